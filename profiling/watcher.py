"""A thread that calls a method on time, in every kind of program."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable

from profiling.errors import SamplerUnavailable
from profiling.forks import ForkLock, renew_in_children

MIN_WAIT_S = 0.02  # leaves time for the program if windows have no length
MAX_WAIT_S = 0.5  # in one piece; then the thread looks whether it is still needed

_logger = logging.getLogger(__name__)


class Watcher:
    """Calls a method at fixed intervals in a daemon thread, until `close`. A forked child starts its own thread.

    The thread ends with the program's last thread. A daemon thread alone cannot keep an interpreter from its end, but a
    child that was forked in another thread than the main one ends with its last thread, whichever thread that is.
    """

    def __init__(
        self,
        method: Callable[[], None],
        every_s: float,
        *,
        name: str = "profiling: windows",
        failure: str = "windows could not be ended",
    ) -> None:
        self._method = weakref.WeakMethod(method)  # so that the thread does not keep the profiler alive
        self._every_s = max(every_s, MIN_WAIT_S)
        self._name = name
        self._failure = failure
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = ForkLock()
        renew_in_children(self)

    def start(self) -> None:
        """Start the thread, unless it is running or `close` was called."""
        self._start(waits=False)

    def _start(self, *, waits: bool) -> None:
        with self._lock:
            if self._is_over.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            # A daemon thread, because the program's end must not wait for it.
            self._thread = threading.Thread(target=self._watch, args=(waits,), name=self._name, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread, and wait for its end unless this is called in it."""
        self._is_over.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def after_fork(self) -> None:
        """Start a thread in a forked child if the parent had one, because threads do not survive a fork."""
        was_at_work, self._thread = self._thread is not None, None
        if self._is_over.is_set():
            return
        self._is_over = threading.Event()  # the thread may have held the lock of the old event
        if was_at_work:
            self._start(waits=True)  # waits first, so that a short-lived child is left alone

    def _watch(self, waits: bool) -> None:
        is_over = self._is_over
        try:
            while not (waits and self._has_ended(is_over)) and (method := self._method()) is not None:
                self._call(method)
                del method
                waits = True
        except SamplerUnavailable as error:
            _logger.warning("what is allocated outside jobs is not watched: %s", error)

    def _call(self, method: Callable[[], None]) -> None:
        try:
            method()
        except SamplerUnavailable:
            raise
        except Exception:  # the next call may succeed, and nobody would start the thread again
            _logger.exception("%s; the next attempt is in %.3g s", self._failure, self._every_s)

    def _has_ended(self, is_over: threading.Event) -> bool:
        """Wait until the method is due; return at once that the thread is to end, if it is."""
        due_s = time.monotonic() + self._every_s
        while (left_s := due_s - time.monotonic()) > 0:
            if is_over.wait(min(left_s, MAX_WAIT_S)) or not _has_program():
                return True
        return False


def _has_program() -> bool:
    """Return whether a thread of the program is alive, apart from daemons."""
    return any(not thread.daemon for thread in threading.enumerate())
