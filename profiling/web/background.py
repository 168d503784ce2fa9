"""An event loop in a thread of the profiler's own, for servers that have no loop to run the handlers on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """A loop that begins when it is first needed, in each process for itself.

    The thread is a daemon: a program that never closes the loop ends all the same. A fork has none of the parent's
    threads, so that a worker that was forked begins a loop of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._of_parent: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()

    def start(self) -> asyncio.AbstractEventLoop:
        """Return the loop of this process, which runs from now on."""
        if self._process != os.getpid():
            # Another thread may have held the lock when the process forked; the loop shares its descriptors with the
            # parent's, and must neither be used nor be closed.
            self._of_parent, self._loop, self._thread = self._loop, None, None
            self._lock, self._process = threading.Lock(), os.getpid()
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
        """Return the result of a coroutine that runs on the loop, while this thread waits."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.start()).result()

    def close(self) -> None:
        """End the loop, its tasks and its thread; the next use begins a new one. Does nothing in a forked process."""
        if self._process != os.getpid():
            return
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
