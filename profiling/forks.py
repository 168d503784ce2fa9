"""Forks: locks that are free in a forked child, and objects that are reset there.

A lock that another thread holds at a fork stays locked in the child forever. So a fork first acquires all locks of this
module. They are only held for moments, so it does not wait long.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol
from weakref import WeakKeyDictionary

_of_thread = threading.local()


class ForkLock:
    """A reentrant lock that is free in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _locks[self] = None

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


class Renewed(Protocol):
    """An object that is reset in a forked child."""

    def after_fork(self) -> None:
        """Reset the object, because no other thread has survived."""


_locks: WeakKeyDictionary[ForkLock, None] = WeakKeyDictionary()
_renewed: WeakKeyDictionary[Renewed, None] = WeakKeyDictionary()


def renew_in_children(renewed: Renewed) -> None:
    """Call `after_fork` of this object in each forked child, as long as the object lives; older objects come first."""
    _renewed[renewed] = None


@contextmanager
def for_measuring() -> Iterator[None]:
    """Mark forks in this block as read-only: such a fork waits for no lock, and nothing is reset in the child."""
    _of_thread.is_measuring = True
    try:
        yield
    finally:
        _of_thread.is_measuring = False


def _before() -> None:
    held: list[ForkLock] = []
    _of_thread.held = held
    if getattr(_of_thread, "is_measuring", False):
        return
    for lock in sorted(_locks.keys(), key=id):  # always in the same order, because two threads may fork at once
        lock.__enter__()
        held.append(lock)


def _after() -> None:
    while _of_thread.held:
        _of_thread.held.pop().__exit__(None, None, None)


def _in_child() -> None:
    _after()
    if not getattr(_of_thread, "is_measuring", False):
        for renewed in list(_renewed.keys()):
            renewed.after_fork()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
