"""Fetches that are under way: one per kind and symbol, few at once, each with a time limit and an end at shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from volaris.errors import DemandStopped, DemandTimeout, SourceError, TooManyFetches

MAX_WAITING = 32  # fetches that wait for their turn; at a second each, the last of them is just in time

T = TypeVar("T")
Key = tuple[str, str]  # the kind of data and the symbol

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightStatistics:
    """How many fetches there are and were."""

    running: int  # fetches that have their turn now
    waiting: int  # fetches that are under way without a turn
    started: int  # fetches so far
    joined: int  # questions so far that waited for a fetch of another one
    refused: int  # questions so far for which no fetch could be started


class Flights:
    """Runs fetches in tasks of their own, so that a question that is cancelled ends no fetch that others wait for.

    `scope` returns a context manager around what a fetch does, with the fetch's kind as its name. `tidy_up` is called
    after each fetch that succeeds, before its result is told.
    """

    def __init__(
        self,
        *,
        at_once: int,
        timeout_s: float,
        scope: Callable[[str], AbstractContextManager[Any]],
        tidy_up: Callable[[], Awaitable[None]],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._at_once = at_once
        self._timeout_s = timeout_s
        self._scope = scope
        self._tidy_up = tidy_up
        self._max_waiting = max_waiting
        self._turns = asyncio.Semaphore(at_once)
        self._tasks: dict[Key, asyncio.Task[Any]] = {}
        self._is_closed = False
        self._running = self._started = self._joined = self._refused = 0

    async def join(self, kind: str, symbol: str, fetch: Callable[[], Awaitable[T]], *, times: float = 1.0) -> T:
        """Return the result of the fetch of this kind and symbol that is under way, or else of `fetch`.

        The time limit begins when the fetch begins, and includes the wait for its turn. `times` as long is allowed for
        a fetch of more than one symbol.

        Raises:
            DemandTimeout: The fetch took too long.
            TooManyFetches: Too many fetches are waiting.
            DemandStopped: `close` was called.
        """
        task = self._tasks.get((kind, symbol))
        if task is None:
            task = self._start((kind, symbol), fetch, times * self._timeout_s)
        else:
            self._joined += 1
        # Unlike `await task`, this neither cancels the fetch with the question, nor takes the end of the fetch at
        # shutdown for the end of the question.
        await asyncio.wait((task,))
        if task.cancelled():
            raise DemandStopped
        result: T = task.result()
        return result

    @asynccontextmanager
    async def turn(self, kind: str) -> AsyncIterator[None]:
        """Wait for a turn; only `at_once` fetches have one at the same time. The block is a call of the scope."""
        async with self._turns:
            self._running += 1
            try:
                with self._scope(f"fetch {kind}"):
                    yield
            finally:
                self._running -= 1

    def statistics(self) -> FlightStatistics:
        """Return how many fetches there are and were."""
        return FlightStatistics(
            running=self._running,
            waiting=len(self._tasks) - self._running,
            started=self._started,
            joined=self._joined,
            refused=self._refused,
        )

    async def close(self) -> None:
        """End all fetches, and refuse further ones. Questions that wait for a fetch get DemandStopped."""
        self._is_closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: Key, fetch: Callable[[], Awaitable[T]], timeout_s: float) -> asyncio.Task[T]:
        if self._is_closed:
            raise DemandStopped
        if len(self._tasks) >= self._at_once + self._max_waiting:
            self._refused += 1
            raise TooManyFetches(len(self._tasks) - self._running)
        task = asyncio.create_task(self._fly(key, fetch, timeout_s), name=f"fetch {' '.join(key)}")
        self._tasks[key] = task
        self._started += 1
        task.add_done_callback(lambda ended: self._land(key, ended))
        return task

    def _land(self, key: Key, ended: asyncio.Task[Any]) -> None:
        del self._tasks[key]
        if not ended.cancelled():
            ended.exception()  # looked at here, because perhaps every question has been cancelled

    async def _fly(self, key: Key, fetch: Callable[[], Awaitable[T]], timeout_s: float) -> T:
        result = await self._in_time(key, fetch, timeout_s)
        await self._tidy_up()
        return result

    async def _in_time(self, key: Key, fetch: Callable[[], Awaitable[T]], timeout_s: float) -> T:
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                return await fetch()
        except TimeoutError as error:
            if not limit.expired():
                raise
            logger.warning("the %s of %s could not be fetched within %g s", *key, timeout_s)
            raise DemandTimeout(*key, timeout_s) from error
        except SourceError as error:
            logger.warning("the %s of %s could not be fetched: %s", *key, error)
            raise
