"""Arm a timeout of a day for each request and forget to cancel it once the request is answered.

The event loop keeps the timer with its arguments.

needs: nothing beside the standard library
Measured: 25 261 B a run alone, 25 398 in company.
"""

import asyncio

VERDICT = "leaking"
BYTES_PER_RUN = 25_300


async def job():
    loop = asyncio.get_running_loop()
    for number in range(10):
        request = {"id": number, "body": bytearray(2_000)}  # <- retained here
        loop.call_later(86_400, request.clear)  # <- retained here
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(20)))
