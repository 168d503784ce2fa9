"""A thread that ends windows on time, whatever kind of server the program is, or none."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable

from profiling.errors import SamplerUnavailable

MIN_WAIT_S = 0.02  # so that windows without length leave time for the program

_logger = logging.getLogger(__name__)
_started: weakref.WeakSet[Watcher] = weakref.WeakSet()


class Watcher:
    """Calls a method every so often from a daemon thread, until `close`. A forked child has a thread of its own."""

    def __init__(self, method: Callable[[], None], every_s: float) -> None:
        self._method = weakref.WeakMethod(method)  # the thread keeps no profiler that nobody else has
        self._every_s = max(every_s, MIN_WAIT_S)
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin. Do nothing if that was done."""
        with self._lock:
            if self._thread is None and not self._is_over.is_set():
                self._thread = threading.Thread(target=self._watch, name="profiling: windows", daemon=True)
                self._thread.start()
                _started.add(self)

    def close(self) -> None:
        """Stop, and wait for the thread if that is another one."""
        self._is_over.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def restart(self) -> None:
        """Begin anew in a forked child, which has none of its parent's threads."""
        self._lock = threading.Lock()
        is_over, self._is_over, self._thread = self._is_over.is_set(), threading.Event(), None
        if not is_over:
            self.start()

    def _watch(self) -> None:
        try:
            while (method := self._method()) is not None:
                method()
                del method
                if self._is_over.wait(self._every_s):
                    return
        except SamplerUnavailable as error:
            _logger.warning("what is allocated outside jobs is not watched: %s", error)


def _restart_all() -> None:
    for watcher in list(_started):
        watcher.restart()


os.register_at_fork(after_in_child=_restart_all)
