"""A thread that ends windows on time, whatever kind of server the program is, or none."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable

from profiling.errors import SamplerUnavailable
from profiling.forks import ForkLock, renew_in_children

MIN_WAIT_S = 0.02  # so that windows without length leave time for the program

_logger = logging.getLogger(__name__)


class Watcher:
    """Calls a method every so often from a daemon thread, until `close`. A forked child has a thread of its own."""

    def __init__(self, method: Callable[[], None], every_s: float) -> None:
        self._method = weakref.WeakMethod(method)  # the thread keeps no profiler that nobody else has
        self._every_s = max(every_s, MIN_WAIT_S)
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = ForkLock()
        renew_in_children(self)

    def start(self) -> None:
        """Begin. Do nothing if the thread is at work, or if `close` was called."""
        self._start(waits=False)

    def _start(self, *, waits: bool) -> None:
        with self._lock:
            if self._is_over.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            # Daemonic, as the program's end must not wait for it.
            self._thread = threading.Thread(target=self._watch, args=(waits,), name="profiling: windows", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop, and wait for the thread if that is another one."""
        self._is_over.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def after_fork(self) -> None:
        """Begin anew in a forked child if there was a thread: the child has none of its parent's."""
        was_at_work, self._thread = self._thread is not None, None
        if self._is_over.is_set():
            return
        self._is_over = threading.Event()  # whose lock the thread may have held
        if was_at_work:
            self._start(waits=True)  # a child that was forked to do one thing and end is left alone

    def _watch(self, waits: bool) -> None:
        is_over = self._is_over
        try:
            while not (waits and is_over.wait(self._every_s)) and (method := self._method()) is not None:
                method()
                del method
                waits = True
        except SamplerUnavailable as error:
            _logger.warning("what is allocated outside jobs is not watched: %s", error)
