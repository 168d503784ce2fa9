"""Forks: locks that are free in a forked child, and objects that are reset there.

A lock that another thread holds at a fork stays locked in the child forever. So a fork first acquires all locks of this
module. They are only held for moments, so it does not wait long. What a thread has for longer is a `Turn`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
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

    def acquire(self, *, blocking: bool = True) -> bool:
        """Acquire the lock, and return whether that was possible; without `blocking`, do not wait for it."""
        return self._lock.acquire(blocking)

    def release(self) -> None:
        """Release the lock, once for each time that this thread has acquired it."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


class Renewed(Protocol):
    """An object that is reset in a forked child."""

    def after_fork(self) -> None:
        """Reset the object, because no other thread has survived."""


_locks: WeakKeyDictionary[ForkLock, None] = WeakKeyDictionary()
_renewed: WeakKeyDictionary[Renewed, None] = WeakKeyDictionary()


def renew_in_children(renewed: Renewed) -> None:
    """Call `after_fork` of this object in each forked child, as long as the object lives; older objects come first."""
    _renewed[renewed] = None


class Turn:
    """The right to do what only one thread, or one task, does at a time. Nobody waits for it; a forked child has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_children(self)

    def take(self) -> bool:
        """Take the turn, unless somebody has it; return whether it was taken."""
        return self._lock.acquire(blocking=False)

    def give_back(self) -> None:
        """Give the turn back. Do nothing if this is a forked child, where it is free already."""
        if self._lock.locked():
            self._lock.release()

    def after_fork(self) -> None:
        """Free the turn in a forked child."""
        self._lock = threading.Lock()


@contextmanager
def for_measuring() -> Iterator[None]:
    """Mark forks in this block as read-only: such a fork waits for no lock, and nothing is reset in the child."""
    _of_thread.is_measuring = True
    try:
        yield
    finally:
        _of_thread.is_measuring = False


def _acquire_all(locks: Sequence[ForkLock]) -> list[ForkLock]:
    """Acquire all locks, and return them. Wait for one lock only while holding none.

    Otherwise, the thread that holds the lock may be waiting for another one of them.
    """
    waited_for: ForkLock | None = None
    while True:
        held: list[ForkLock] = []
        for lock in [*([waited_for] if waited_for else []), *locks]:
            if not lock.acquire(blocking=lock is waited_for):
                break
            held.append(lock)
        else:
            return held
        _release(held)
        waited_for = lock


def _release(held: list[ForkLock]) -> None:
    while held:
        held.pop().release()


def _before() -> None:
    is_measuring = getattr(_of_thread, "is_measuring", False)
    # `keyrefs` copies the keys at once; another thread may add a lock at any time.
    locks = [] if is_measuring else [lock for reference in _locks.keyrefs() if (lock := reference()) is not None]
    _of_thread.held = _acquire_all(locks)


def _after() -> None:
    _release(_of_thread.held)


def _in_child() -> None:
    _after()
    if not getattr(_of_thread, "is_measuring", False):
        for reference in _renewed.keyrefs():
            if (renewed := reference()) is not None:
                renewed.after_fork()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
