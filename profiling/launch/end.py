"""The end of a profiled program: its report is printed once, also at a SIGTERM, and then the process ends as usual."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from profiling.forks import ForkLock, renew_in_children
from profiling.launch.farewell import farewell
from profiling.profiler import Profiler
from profiling.watcher import Watcher

LOOKED_EVERY_S = 0.25  # for a SIGTERM that the main thread has not noticed


def _load() -> Any:
    """Return the extension, or None; then a SIGTERM waits for the end of the main thread's call."""
    try:
        return importlib.import_module("profiling.launch._sigterm")
    except ImportError:
        return None


_sigterm = _load()


class End:
    """Prints the report once, when the process ends; a forked child prints its own.

    A SIGTERM ends the process by the signal, as it would have without a profiler. Python calls a handler only when the
    main thread returns from the call that it is in. If it does not return soon, another thread prints the report and
    ends the process.
    """

    def __init__(self, profiler: Profiler) -> None:
        self._profiler = profiler
        self._told_in: int | None = None  # id of the process that has printed the report
        self._is_telling = self._is_terminated = False
        self._is_overdue = False  # a SIGTERM had come when the other thread looked last
        self._lock = ForkLock()
        self._handler: Callable[[int, FrameType | None], None] = self._terminate  # one object, which can be recognised
        self._watcher = Watcher(
            self._look, LOOKED_EVERY_S, name="profiling: end", failure="no SIGTERM could be looked for"
        )
        renew_in_children(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child, which was forked in the middle of a report if a finalizer forks."""
        self._is_telling = self._is_terminated = self._is_overdue = False
        if _sigterm is not None:
            _sigterm.catch(self._handler)

    def handle_sigterm(self) -> None:
        """Print the report at a SIGTERM from now on, unless the program handles or ignores it."""
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return
        signal.signal(signal.SIGTERM, self._handler)
        if _sigterm is not None:
            _sigterm.catch(self._handler)
            self._watcher.start()

    def tell(self) -> None:
        """Print what held most memory and what grew, at the program's end."""
        self._finish()
        if signal.getsignal(signal.SIGTERM) is self._handler:  # nobody would call it from here on
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _terminate(self, _: int, __: FrameType | None) -> None:
        self._is_terminated = True
        self._finish()

    def _finish(self) -> None:
        with self._lock:
            if self._is_telling:  # the signal came while this thread prints the report, and ends the process after it
                return
            self._is_telling = True
            try:
                if self._told_in != os.getpid():
                    self._told_in = os.getpid()
                    write(farewell(self._profiler))
            finally:
                self._is_telling = False
            if self._is_terminated:
                _end_by_sigterm()

    def _look(self) -> None:
        """Notice a SIGTERM, and end the process if the main thread has had the time to do so."""
        has_come = _sigterm.catch(self._handler)
        if has_come and self._is_overdue:
            self._terminate(signal.SIGTERM, None)
        self._is_overdue = has_come


def _end_by_sigterm() -> None:
    if _sigterm is not None:
        _sigterm.end()
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def write(text: str, descriptor: int = 2) -> None:
    """Write all of the text to a descriptor, because the program's `sys.stderr` may be closed or locked."""
    left = text.encode(errors="backslashreplace")
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except OSError:  # nobody reads
            return
