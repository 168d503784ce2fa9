"""Work off orders in the loop's executor, which appends each result to a history.

run_in_executor does not hand the context of the run to the thread.

needs: nothing beside the standard library
Measured: 62 357 B a run alone, 64 101 in company.
"""

import asyncio
import itertools

VERDICT = "leaking"
BYTES_PER_RUN = 62_400

orders = itertools.count()
history: list[list[str]] = []


def work_off(number):
    sorted(range(20_000), key=lambda line: -line % 97)
    history.append([f"line {line} of order {number}" for line in range(400)])  # <- retained here


async def job():
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(None, work_off, next(orders)) for _ in range(2)))
