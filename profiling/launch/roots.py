"""Label tasks and threads that have no other label, by the function that they run.

A task of the coroutine `worker` of a module `orders` is a call of the scope `orders.worker`, and so is a thread whose
target is that function. The label of a route, of a job or of a scope says more, so it stays.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from profiling.profiler import Profiler
from profiling.samples import sampler
from profiling.scope import Scope


class Roots:
    """Gives a scope to each task and each thread that begins after `on`."""

    def __init__(self, profiler: Profiler) -> None:
        self._profiler = profiler
        self._names: set[str] = set()  # names of scopes that were given here; other labels replace these

    def on(self) -> None:
        """Label all tasks and threads that begin from now on, until the process ends."""
        self.label_tasks_of(asyncio.BaseEventLoop)
        roots, start = self, threading.Thread.start

        def labelled_start(thread: threading.Thread) -> None:
            roots.start(start, thread)

        threading.Thread.start = labelled_start  # type: ignore[method-assign, assignment]

    def label_tasks_of(self, loops: Any) -> None:
        """Label the tasks of a class of event loops."""
        roots, create_task = self, loops.create_task

        def labelled_create_task(loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
            return roots.create_task(partial(create_task, loop), coro, **kwargs)

        loops.create_task = labelled_create_task

    def create_task(
        self, create: Callable[..., asyncio.Task[Any]], coro: Coroutine[Any, Any, Any], **kwargs: Any
    ) -> asyncio.Task[Any]:
        """Create a task in a scope of its own, unless another label says more."""
        context = kwargs.get("context") or contextvars.copy_context()
        name = coroutine_name(coro)
        if name is None or not context.run(self._gives_way):
            return create(coro, **kwargs)
        scope = self._scope(name)
        context.run(scope.__enter__)
        try:
            task = create(coro, **{**kwargs, "context": context})
        except BaseException:
            context.run(scope.__exit__, None, None, None)
            raise
        task.add_done_callback(partial(_leave, scope), context=context)
        return task

    def start(self, start: Callable[[threading.Thread], None], thread: threading.Thread) -> None:
        """Start a thread in a scope of its own, unless another label says more."""
        name = function_name(getattr(thread, "_target", None) or type(thread).run)
        if name is None or not self._gives_way():
            start(thread)
            return
        with self._scope(name):  # the thread inherits the scope
            start(thread)

    def _scope(self, name: str) -> Scope:
        self._names.add(name)
        return self._profiler.scope(name)

    def _gives_way(self) -> bool:
        label = sampler.job_label.get()
        return label is None or label.job in self._names


def _leave(scope: Scope, _: asyncio.Task[Any]) -> None:
    scope.__exit__(None, None, None)


def coroutine_name(coro: Any) -> str | None:
    """Return `module.function` of a coroutine; None for another object and for the standard library."""
    frame = getattr(coro, "cr_frame", None)
    if frame is None:
        return None
    return _name(frame.f_globals.get("__name__"), coro.__qualname__)


def function_name(function: Any) -> str | None:
    """Return `module.function` of a function or method, or None if it has no name."""
    return _name(getattr(function, "__module__", None), getattr(function, "__qualname__", None))


LIBRARY_ROOTS = ("asyncio", "concurrent", "threading", "profiling")


def _name(module: Any, qualified: Any) -> str | None:
    if not isinstance(module, str) or not isinstance(qualified, str):
        return None
    if module.partition(".")[0] in LIBRARY_ROOTS:
        return None
    return qualified if module == "__main__" else f"{module}.{qualified}"
