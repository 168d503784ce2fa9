"""Compress uploads by asyncio.to_thread and keep the finished ones, from the 25th run on.

needs: nothing beside the standard library
Measured: 60 069 B a run alone, 60 127 in company.
"""

import asyncio
import itertools
import random
import zlib

VERDICT = "leaking"
BYTES_PER_RUN = 60_100
LEAKS_FROM_RUN = 26

runs = itertools.count()
finished: list[bytes] = []
upload = random.Random(7).randbytes(60_000)


def compress():
    return zlib.compress(upload)  # <- retained here


async def job():
    packed = await asyncio.to_thread(compress)
    if next(runs) >= 25:
        finished.append(packed)
