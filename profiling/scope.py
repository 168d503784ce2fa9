"""Scopes: names for blocks of code that run often, such as the handler of a route. Each entered block is one call.

A scope only labels allocations. The windows of its life show what it keeps; see `profiling.windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from profiling.decorated import decorated
from profiling.forks import ForkLock
from profiling.samples import sampler
from profiling.samples.sampled_run import shared_label

MAX_SCOPES = 256
OTHER_SCOPES = "(other)"  # the scope of all further names

F = TypeVar("F", bound=Callable[..., Any])


class Scope(AbstractContextManager[Any], AbstractAsyncContextManager[Any], Protocol):
    """A context manager for one call, `with` or `async with`."""


_call_of: Callable[[sampler.Label], Scope] = sampler.scope
_staying: ContextVar[Scope] = ContextVar("staying")  # the call that lasts as long as its context


def stay(call: Any) -> None:
    """Begin a call that lasts as long as its context, which a task drops at its end; do nothing without a sampler."""
    if not isinstance(call, nullcontext):
        call.stay()
        _staying.set(call)


class Scopes:
    """The labels of all scopes of one profiler, by name."""

    def __init__(self, begin: Callable[[], None], *, is_on: bool, doubles: bool = False) -> None:
        self._begin = begin  # called once, before the first scope is entered
        self._doubles = doubles  # whether the bytes per sample follow the work
        self._labels: dict[str, sampler.Label] = {}
        self._lock = ForkLock()
        self._is_on = is_on

    @property
    def labels(self) -> Mapping[str, sampler.Label]:
        """Return the labels by name."""
        return self._labels

    def enter(self, name: str) -> Scope:
        """Return a context manager for one call. Raises TypeError for a name that is not a str."""
        try:
            return _call_of(self._labels[name])
        except (KeyError, TypeError):  # a new name, or no str
            pass
        return _call_of(self._add(name)) if self._is_on else nullcontext()

    def decorate(self, function: F, name: str | None = None) -> F:
        """Return the function, plain, async or a generator, with a scope around each of its calls.

        If no name is given, the scope has the module and the qualified name of the function.
        """
        if not callable(function):
            raise TypeError(f"watch decorates a function, not {function!r}; write @profiler.watch above its `def`")
        known = name if name is not None else _name_of(function)
        return decorated(function, lambda: self.enter(known))

    def _add(self, name: str) -> sampler.Label:
        if not isinstance(name, str):
            raise TypeError(f"the name of a scope is a str, not {name!r}")
        with self._lock:
            is_first = not self._labels
            known = name if len(self._labels) < MAX_SCOPES else OTHER_SCOPES
            label = self._labels.get(known)
            if label is None:
                label = self._labels[known] = shared_label(known, doubles=self._doubles)
        if is_first:
            self._begin()
        return label


def _name_of(function: Callable[..., Any]) -> str:
    named: Any = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
