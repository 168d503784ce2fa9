"""One call of a function to its end, whatever kind of function it is."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import copy_context


def run_to_end(function: Callable[[], object], loop: asyncio.Runner) -> None:
    """Call the function, iterate a generator that it returns, and await what it returns to await.

    The function itself is called outside the event loop, so that it may call `asyncio.run`. The loop is the same for
    all calls, because clients and tasks of one run go on in the next. What the loop does bears the caller's context.
    """
    result = function()
    if inspect.isgenerator(result):
        deque(result, maxlen=0)
    elif inspect.isasyncgen(result):
        loop.run(_iterate(result), context=copy_context())
    elif inspect.isawaitable(result):
        loop.run(_wait_for(result), context=copy_context())


async def _wait_for(awaitable: Awaitable[object]) -> None:
    await awaitable


async def _iterate(items: AsyncIterator[object]) -> None:
    async for _ in items:
        pass
