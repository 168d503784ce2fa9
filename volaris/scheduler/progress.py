"""The progress of a run: a job reports it, and whoever started the run may listen.

This module knows neither jobs nor terminals. If nobody listens, a report costs one look at a context variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], None]  # called with the number that is done, and the total

_LISTENER: ContextVar[Listener | None] = ContextVar("progress listener", default=None)


def report(done: int, total: int) -> None:
    """Report that `done` of `total` are finished."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Report to `listener` the progress of what runs in the block, and of the tasks that are created there."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)
