"""Work in a thread pool that starts its eight threads as work comes; each keeps a buffer.

needs: nothing beside the standard library
Measured: 584, 584, 584, 584, 584 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import concurrent.futures
import threading

VERDICT = "stable"
FILLS_BY_RUN = 8

pool = concurrent.futures.ThreadPoolExecutor(max_workers=8)
local = threading.local()


def work(number):
    if not hasattr(local, "buffer"):
        local.buffer = bytearray(60_000)
    return sorted(range(2_000), key=lambda value: value * number % 101)


def job():
    for future in [pool.submit(work, number) for number in range(8)]:
        future.result()
