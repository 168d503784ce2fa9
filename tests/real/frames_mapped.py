"""Take video frames into anonymous maps and keep every second one.

mmap is neither Python's heap nor the C heap.

needs: nothing beside the standard library
Measured: 153 651 B of RSS a run alone, 132 096 in company.
"""

import itertools
import mmap

VERDICT = "native_growth"
BYTES_PER_RUN = 154_000

runs = itertools.count()
kept: list[mmap.mmap] = []


def job():
    frame = mmap.mmap(-1, 640 * 480)  # <- retained here
    frame.write(b"\x80" * (640 * 480))
    if next(runs) % 2:
        kept.append(frame)
