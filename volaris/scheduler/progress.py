"""How far a run has come: a job tells it, and who started the run may listen.

A leaf that knows neither jobs nor terminals. If nobody listens, telling costs one look at a context variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], None]  # is given how many are done, and how many there are

_LISTENER: ContextVar[Listener | None] = ContextVar("progress listener", default=None)


def report(done: int, total: int) -> None:
    """Tell that `done` of `total` are through."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` how far a run has come, within the block and in the tasks that are made there."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)
