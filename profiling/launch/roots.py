"""Label tasks and threads that nobody labels: by the function at their root.

A task of a coroutine `worker` of a module `orders` is a call of the scope `orders.worker`, and so is a thread whose
target is that function. A label that says more, of a route, of a job or of a scope, stays.
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
    """While `on`, each task and thread that begins has a scope."""

    def __init__(self, profiler: Profiler) -> None:
        self._profiler = profiler
        self._names: set[str] = set()  # of scopes of roots: these give way to others

    def on(self) -> None:
        """Label what begins from now on, for as long as the process lasts."""
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
        """Create a task under a scope of its own, if no other says more."""
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
        """Start a thread under a scope of its own, if no other says more."""
        name = function_name(getattr(thread, "_target", None) or type(thread).run)
        if name is None or not self._gives_way():
            start(thread)
            return
        with self._scope(name):  # the thread takes it from its starter
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
    """Return `module.function` of a coroutine, or None for what is none or belongs to the standard library."""
    frame = getattr(coro, "cr_frame", None)
    if frame is None:
        return None
    return _name(frame.f_globals.get("__name__"), coro.__qualname__)


def function_name(function: Any) -> str | None:
    """Return `module.function` of a function or method, or None if it has no name of its own."""
    return _name(getattr(function, "__module__", None), getattr(function, "__qualname__", None))


LIBRARY_ROOTS = ("asyncio", "concurrent", "threading", "profiling")


def _name(module: Any, qualified: Any) -> str | None:
    if not isinstance(module, str) or not isinstance(qualified, str):
        return None
    if module.partition(".")[0] in LIBRARY_ROOTS:
        return None
    return qualified if module == "__main__" else f"{module}.{qualified}"
