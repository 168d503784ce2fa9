"""Observe the current run from another thread: show how long it takes, and end the process if it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

from profiling.check.failures import is_ours, is_users_frame

TICK_S = 0.25
QUIET_S = 2.0  # no progress is shown before
FAILED = 2  # exit status


@dataclass(slots=True, kw_only=True)
class Watch:
    """Shows progress on a terminal, and ends the process if a run exceeds the timeout.

    Only another thread can end a run that never returns, whatever that run waits for and whatever it catches. The
    thread is only started if there is a terminal or a timeout.
    """

    timeout_s: float | None = None  # for one run
    terminal: TextIO | None = None
    errors: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    end: Callable[[int], object] = os._exit
    _began_s: float | None = field(default=None, init=False)  # when the first run began
    _current: tuple[str, float] | None = field(default=None, init=False)  # what is running, and since when
    _runner: asyncio.Runner | None = field(default=None, init=False)
    _is_telling: bool = field(default=False, init=False)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look repeatedly while the block runs."""
        if self.timeout_s is None and self.terminal is None:
            yield
            return
        done = threading.Lock()
        done.acquire()
        thread = threading.Thread(target=self._look_until, args=[done], name="profiling-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.release()
            thread.join()
            self._wipe()

    @contextmanager
    def during(self, what: str, runner: asyncio.Runner | None = None) -> Iterator[None]:
        """Treat the block as one step that may hang, named like `run 3 of jobs.py:collect`."""
        now_s = self.clock()
        if self._began_s is None:
            self._began_s = now_s
        self._current, self._runner = (what, now_s), runner
        try:
            yield
        finally:
            self._current = None

    def _look_until(self, done: threading.Lock) -> None:
        while not done.acquire(timeout=TICK_S):
            self.look()

    def look(self) -> None:
        """Show what is running, and end the process if that has taken too long."""
        now_s, current = self.clock(), self._current
        if current is None or self._began_s is None:
            return
        what, since_s = current
        if self.timeout_s is not None and now_s - since_s >= self.timeout_s:
            self._give_up(what)
        if self.terminal is not None and now_s - self._began_s >= QUIET_S:
            self._tell(self.terminal, f"\r{what}, {now_s - self._began_s:.0f} s so far\033[K")
            self._is_telling = True

    def _wipe(self) -> None:
        if self._is_telling and self.terminal is not None:
            self._tell(self.terminal, "\r\033[K")
            self._is_telling = False

    def _give_up(self, what: str) -> None:
        self._wipe()
        stands = "".join(traceback.format_list(_users_frames(self._runner)))
        self._tell(self.errors, f"profiling: {what} did not end within {self.timeout_s:g} s\n{stands}")
        self.end(FAILED)

    @staticmethod
    def _tell(stream: TextIO, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads the stream, or it is closed
            stream.write(text)
            stream.flush()


def _users_frames(runner: asyncio.Runner | None) -> traceback.StackSummary:
    """Return where the main thread is in the user's code, or else the coroutine that it waits for."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - documented
    frames = _called_by_us([found for found, _ in traceback.walk_stack(frame)][::-1])
    if not frames and runner is not None:
        frames = _called_by_us(_awaiting(runner.get_loop()))
    return traceback.StackSummary.extract((found, found.f_lineno) for found in frames)


def _called_by_us(stack: Iterable[FrameType]) -> list[FrameType]:
    """Return the user's frames that the check has called, without the frames of whoever called the check."""
    ours = itertools.dropwhile(lambda found: not is_ours(found), stack)
    return list(itertools.dropwhile(lambda found: not is_users_frame(found), ours))


def _awaiting(loop: asyncio.AbstractEventLoop) -> list[FrameType]:
    """Return the frames, outermost first, of the coroutine that the call waits for."""
    for task in asyncio.all_tasks(loop):
        frames: list[FrameType] = []
        awaitable: object = task.get_coro()
        while (frame := _frame(awaitable)) is not None:
            frames.append(frame)
            awaitable = getattr(awaitable, "cr_await", None) or getattr(awaitable, "ag_await", None)
        if frames and is_ours(frames[0]):
            return frames
    return []


def _frame(awaitable: object) -> FrameType | None:
    return getattr(awaitable, "cr_frame", None) or getattr(awaitable, "ag_frame", None)
