"""Calls a function of any kind, plain, async or a generator, and runs the call to its end."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import copy_context
from types import FunctionType
from typing import Any

from profiling.records import SiteKey


class Caller:
    """Calls functions that are defined at one place in the user's code, each time to the end.

    The memory that a library's function allocates has no line in the user's code. So the frame between that function
    and the profiler gets the file name and the line of the place, as if the call were written there.
    """

    def __init__(self, site: SiteKey) -> None:
        self._call = _standing_at(site, _call)
        self._exhaust = _standing_at(site, _exhaust)
        self._wait_for = _standing_at(site, _wait_for)
        self._iterate = _standing_at(site, _iterate)

    def run_to_end(self, function: Callable[[], object], loop: asyncio.Runner) -> None:
        """Call the function; iterate over the generator, or await the awaitable, that it returns.

        The function itself is called outside the event loop, so that it may call `asyncio.run`. All calls share the
        loop, because clients and tasks of one run live on in the next. Whatever the loop runs has the context of the
        caller.
        """
        result = self._call(function)
        if inspect.isgenerator(result):
            self._exhaust(result)
        elif inspect.isasyncgen(result):
            loop.run(self._iterate(result), context=copy_context())
        elif inspect.isawaitable(result):
            loop.run(self._wait_for(result), context=copy_context())


# Each body below has one line that allocates, the one after `def`. It becomes the line of the place in the user's code.


def _call(function: Callable[[], object]) -> object:
    return function()


def _exhaust(items: Iterator[object]) -> None:
    deque(items, maxlen=0)


async def _wait_for(awaitable: Awaitable[object]) -> None:
    await awaitable


async def _iterate(items: AsyncIterator[object]) -> None:
    async for _ in items:
        pass


def _standing_at(site: SiteKey, function: Callable[..., Any]) -> Callable[..., Any]:
    file, line = site
    return FunctionType(function.__code__.replace(co_filename=file, co_firstlineno=max(0, line - 1)), globals())
