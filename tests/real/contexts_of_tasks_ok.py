"""Set a context variable in each task; the values go with the tasks' contexts.

needs: nothing beside the standard library
Measured: 13, 14, 16, 16, 16 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import asyncio
import contextvars

VERDICT = "stable"
FILLS_BY_RUN = 0

request: contextvars.ContextVar[list[str]] = contextvars.ContextVar("request")


async def serve(number):
    request.set([f"header {header} of request {number}" for header in range(40)])
    await asyncio.sleep(0)
    return len(request.get())


async def job():
    async with asyncio.TaskGroup() as group:
        for number in range(60):
            group.create_task(serve(number))
