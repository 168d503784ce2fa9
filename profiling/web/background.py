"""An event loop in a thread of the profiler, for servers that have no loop for the handlers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from profiling.forks import renew_in_children

T = TypeVar("T")


class BackgroundLoop:
    """A loop that starts when it is first needed, in each process separately.

    The thread is a daemon, so that a program which never closes the loop can end. Threads do not survive a fork, so a
    forked worker starts a loop of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._of_parents: list[asyncio.AbstractEventLoop] = []
        renew_in_children(self)

    def after_fork(self) -> None:
        """Forget the parent's loop in a forked child.

        Another thread may have held the lock. The parent's loop shares its descriptors with the parent, so it must be
        neither used nor closed here.
        """
        self._lock = threading.Lock()
        if self._loop is not None:
            self._of_parents.append(self._loop)
        self._loop = self._thread = self._stop = None

    def start(self) -> asyncio.AbstractEventLoop:
        """Return the loop of this process; start it if it does not run."""
        with self._lock:
            if self._loop is None:
                is_up = threading.Event()
                self._thread = threading.Thread(
                    target=self._serve, args=[is_up], name="profiling: debug routes", daemon=True
                )
                self._thread.start()
                is_up.wait()
            if self._loop is None:
                raise RuntimeError("the loop for the debug routes did not start; stderr says why")
            return self._loop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop while this thread waits, and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.start()).result()

    def close(self) -> None:
        """End the loop, its tasks and its thread; the next use starts a new loop."""
        with self._lock:
            if self._loop is not None and self._stop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
                self._thread.join()
                self._loop = self._thread = self._stop = None

    def _serve(self, is_up: threading.Event) -> None:
        try:
            asyncio.run(self._run(is_up))
        finally:
            is_up.set()

    async def _run(self, is_up: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        is_up.set()
        await self._stop.wait()
