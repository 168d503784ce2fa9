"""Gather 100 tasks a run; a tenth fails, and the errors' tracebacks make cycles.

needs: nothing beside the standard library
Measured: 407, 410, 412, 414, 416 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import asyncio

VERDICT = "stable"
FILLS_BY_RUN = 0


async def load(number):
    answer = [f"line {line}" for line in range(50)]
    await asyncio.sleep(0)
    if number % 10 == 0:
        raise TimeoutError(number)
    return answer


async def job():
    tasks = [asyncio.create_task(load(number)) for number in range(100)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    results.append(tasks)
