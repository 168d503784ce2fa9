"""Tasks and threads that nobody labels get the name of the function at their root."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from profiling import Level, Profiler
from profiling.launch.roots import Roots, coroutine_name, function_name
from profiling.samples import sampler

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
HERE = __name__


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    with closing(Profiler(level=Level.SAMPLES, window_s=3_600.0)) as profiler:
        profiler.start_watching()
        yield profiler


@pytest.fixture
def roots(profiler: Profiler) -> Roots:
    return Roots(profiler)


def label() -> str | None:
    current = sampler.job_label.get()
    return current.job if current else None


async def worker() -> str | None:
    return label()


def task_of(roots: Roots, coro: Coroutine[Any, Any, Any], **kwargs: Any) -> asyncio.Task[Any]:
    loop = asyncio.get_running_loop()
    return roots.create_task(partial(asyncio.BaseEventLoop.create_task, loop), coro, **kwargs)  # type: ignore[arg-type]


async def test_task_is_a_call_of_its_coroutine_function(roots: Roots, profiler: Profiler) -> None:
    assert await task_of(roots, worker()) == f"{HERE}.worker"
    (scope,) = (each for each in profiler.scopes() if each.name == f"{HERE}.worker")
    assert (scope.calls, scope.active) == (1, 0)
    assert label() is None


async def test_task_within_a_task_has_a_scope_of_its_own(roots: Roots) -> None:
    async def parent() -> tuple[str | None, str | None]:
        return label(), await task_of(roots, worker())

    own, childs = await task_of(roots, parent())
    assert own is not None
    assert own.endswith("parent")
    assert childs == f"{HERE}.worker"


@pytest.mark.parametrize("kind", ["scope", "run"])
async def test_what_says_more_stays(roots: Roots, profiler: Profiler, kind: str) -> None:
    around = profiler.scope("GET /") if kind == "scope" else profiler.run("GET /")
    with around:
        assert await task_of(roots, worker()) == "GET /"


async def test_context_that_is_given_is_used(roots: Roots) -> None:
    import contextvars

    context = contextvars.copy_context()
    assert await task_of(roots, worker(), context=context) == f"{HERE}.worker"
    assert context.run(label) is None


async def test_cancelled_task_is_over_too(roots: Roots, profiler: Profiler) -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    task = task_of(roots, waits())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    (scope,) = (each for each in profiler.scopes() if each.name.endswith("waits"))
    assert (scope.calls, scope.active) == (1, 0)


async def test_task_that_cannot_be_made_leaves_no_call_under_way(roots: Roots, profiler: Profiler) -> None:
    def refuse(_: object, **__: object) -> asyncio.Task[Any]:
        raise RuntimeError("no loop")

    coro = worker()
    with pytest.raises(RuntimeError, match="no loop"):
        roots.create_task(refuse, coro)
    coro.close()
    assert [scope.active for scope in profiler.scopes() if scope.name == f"{HERE}.worker"] == [0]


def test_thread_is_a_call_of_its_target(roots: Roots) -> None:
    seen: list[str | None] = []

    def target() -> None:
        seen.append(label())

    thread = threading.Thread(target=target)
    roots.start(threading.Thread.start, thread)
    thread.join()
    assert seen == [f"{HERE}.{target.__qualname__}"]


def test_thread_of_the_standard_library_has_no_scope(roots: Roots) -> None:
    started: list[threading.Thread] = []
    thread = threading.Timer(3_600.0, print)
    roots.start(started.append, thread)
    assert started == [thread]
    assert label() is None


def test_names_of_the_main_module_have_no_module() -> None:
    def crunch() -> None: ...

    crunch.__module__ = "__main__"
    assert function_name(crunch) == crunch.__qualname__
    assert function_name(object()) is None
    assert coroutine_name(object()) is None
