"""Scopes of a profiler: whose work is attributed to which of them, and what a scope may be called."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import logging
import threading
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from profiling.errors import UnknownScope
from profiling.profiler import Profiler
from profiling.records import Level, OwnerKind, ScopeSummary
from profiling.samples import sampler
from profiling.samples.estimates import by_job
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.scope import MAX_SCOPES, OTHER_SCOPES

needs_samples = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
pytestmark = needs_samples

BLOCKS = 100
BLOCK_BYTES = 1_000


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    """Return one that samples nearly every block and ends no window by itself."""
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=64, window_s=3_600.0)) as made:
        made.start_watching()
        yield made


def make() -> list[bytes]:
    return [bytes(BLOCK_BYTES - 33) for _ in range(BLOCKS)]


def held_by(name: str) -> float:
    found = by_job(sampler.snapshot()).get(name)
    return found.size_bytes if found else 0.0


def blocks(times: float = 1) -> object:
    return pytest.approx(times * BLOCKS * BLOCK_BYTES, rel=0.1)


def summary(profiler: Profiler, name: str) -> ScopeSummary:
    return next(scope for scope in profiler.scopes() if scope.name == name)


def in_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_pool(work: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


# ---- what a scope has ----


def test_innermost_scope_or_run_counts(profiler: Profiler) -> None:
    kept = []
    with profiler.scope("outer"):
        kept.append(make())
        with profiler.scope("inner"):
            kept.append(make())
        with profiler.run("job"):
            kept.append(make())
            with profiler.scope("in the job"):
                kept.append(make())
        kept.append(make())
    assert [held_by(name) for name in ("outer", "inner", "job", "in the job")] == [
        blocks(2),
        blocks(),
        blocks(),
        blocks(),
    ]


async def test_child_tasks_and_threads_are_the_scopes(profiler: Profiler) -> None:
    kept: list[object] = []

    def work() -> None:
        kept.append(make())

    async def child() -> None:
        work()

    async with profiler.scope("route"):
        await asyncio.create_task(child())
        await asyncio.to_thread(work)
        await asyncio.get_running_loop().run_in_executor(None, work)
        await asyncio.to_thread(in_thread, work)
        await asyncio.to_thread(in_pool, work)
    work()
    assert held_by("route") == blocks(5)


async def test_tasks_beside_each_other_have_each_its_own(profiler: Profiler) -> None:
    kept: list[object] = []
    both = asyncio.Barrier(2)

    async def request(name: str, times: int) -> None:
        async with profiler.scope(name):
            await both.wait()
            for _ in range(times):
                kept.append(make())
                await asyncio.sleep(0)

    await asyncio.gather(request("small", 1), request("large", 10))
    assert (held_by("small"), held_by("large")) == (blocks(), blocks(10))


def test_run_and_scope_of_one_name_leave_each_other_whole(profiler: Profiler) -> None:
    kept = []
    for _ in range(3):
        with profiler.scope("both"), profiler.run("both") as run:
            kept.append(make())
        assert run.profile.retained_bytes == blocks()
        with profiler.run("both") as run, profiler.scope("both"):
            kept.append(make())
        assert run.profile.retained_bytes == blocks()
        with profiler.scope("both"):
            kept.append(make())
    assert held_by("both") == blocks(9)
    assert [run.job for run in profiler.runs("both")] == ["both"] * 6
    assert profiler._histories.terms("both") is None
    assert summary(profiler, "both").calls == 9


# ---- @watch ----


def test_functions_of_all_kinds_are_watched(profiler: Profiler) -> None:
    kept: list[object] = []

    @profiler.watch
    def plain(number: int) -> int:
        """Say so."""
        kept.append(make())
        return number + 1

    @profiler.watch("steps")
    def steps() -> Iterator[int]:
        kept.append(make())
        yield 1
        kept.append(make())

    class Handler:
        @profiler.watch
        def get(self) -> str:
            return "got"

    assert plain(1) == 2
    assert plain.__doc__ == "Say so."
    for _ in steps():
        kept.append(make())  # noqa: PERF401 - the consumer's own
    assert Handler().get() == "got"
    name = f"{__name__}.test_functions_of_all_kinds_are_watched.<locals>"
    assert held_by(f"{name}.plain") == blocks()
    assert held_by("steps") == blocks(2)
    assert summary(profiler, f"{name}.Handler.get").calls == 1


async def test_coroutines_and_asynchronous_generators_are_watched(profiler: Profiler) -> None:
    kept: list[object] = []

    @profiler.watch("coroutine")
    async def work() -> int:
        await asyncio.sleep(0)
        kept.append(make())
        return 1

    @profiler.watch("stream")
    async def stream() -> AsyncIterator[int]:
        kept.append(make())
        yield 1
        await asyncio.sleep(0)
        kept.append(make())

    assert await work() == 1
    async for _ in stream():
        kept.append(make())  # noqa: PERF401
    assert (held_by("coroutine"), held_by("stream")) == (blocks(), blocks(2))


def test_partial_is_called_as_its_type(profiler: Profiler) -> None:
    assert profiler.watch(functools.partial(int, "7"))() == 7
    assert summary(profiler, "functools.partial").calls == 1


def test_watched_function_passes_its_error(profiler: Profiler) -> None:
    @profiler.watch("fails")
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert (summary(profiler, "fails").calls, summary(profiler, "fails").active) == (1, 0)


def test_what_is_no_function_is_refused(profiler: Profiler) -> None:
    with pytest.raises(TypeError, match="decorates a function"):
        profiler.watch(3)  # type: ignore[call-overload]


# ---- names ----


def test_name_is_text(profiler: Profiler) -> None:
    with pytest.raises(TypeError, match="the name of a scope is a str, not 3"):
        profiler.scope(3)  # type: ignore[arg-type]


def test_names_beyond_the_bound_are_one_scope(profiler: Profiler) -> None:
    for number in range(MAX_SCOPES + 50):
        with profiler.scope(f"/items/{number}"):
            pass
    scopes = {scope.name: scope for scope in profiler.scopes()}
    assert sum(scope.kind is OwnerKind.SCOPE for scope in scopes.values()) == MAX_SCOPES + 1
    assert scopes[OTHER_SCOPES].calls == 50
    with profiler.scope(f"/items/{MAX_SCOPES - 1}"):
        pass
    assert summary(profiler, f"/items/{MAX_SCOPES - 1}").calls == 2


def test_names_come_from_many_threads_at_once(profiler: Profiler) -> None:
    start = threading.Barrier(8)

    def enter() -> None:
        start.wait()
        for number in range(300):
            with profiler.scope(f"/{number}"):
                pass

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scopes = [scope for scope in profiler.scopes() if scope.kind is OwnerKind.SCOPE]
    assert len(scopes) == MAX_SCOPES + 1
    assert sum(scope.calls for scope in scopes) == 8 * 300
    assert {scope.active for scope in scopes} == {0}


# ---- where there is nothing to watch with ----


def names_of_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("options", [{"level": Level.COUNTERS}, {"all_threads": True}], ids=str)
async def test_scopes_only_pass_and_only_the_timeline_is_recorded_where_nothing_is_sampled(
    options: dict[str, object],
) -> None:
    with closing(Profiler(**options)) as profiler:  # type: ignore[arg-type]
        before = names_of_threads()
        with profiler.scope("route"):
            pass
        async with profiler.scope("route"):
            pass
        assert profiler.watch(lambda: 1)() == 1
        profiler.start_watching()
        profiler.end_windows()
        assert names_of_threads() - before == {"profiling: timeline"}
        assert not sampler.is_on()


def test_tracemalloc_before_us_is_a_warning_and_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sampler._sampler, "is_installed", lambda: False)
    tracemalloc.start()
    try:
        with closing(Profiler()) as profiler, caplog.at_level(logging.WARNING):
            with profiler.scope("route"):
                pass
            with profiler.scope("route"):
                pass
        assert [record.getMessage()[:70] for record in caplog.records] == [
            "scopes and what is allocated outside jobs are not watched: tracemalloc"
        ]
    finally:
        tracemalloc.stop()


# ---- the thread ----


def test_first_scope_starts_a_thread_that_close_ends() -> None:
    def watchers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "profiling: windows"]

    with closing(Profiler(level=Level.SAMPLES)) as profiler:
        assert watchers() == []
        with profiler.scope("route"):
            pass
        profiler.start_watching()
        assert [thread.daemon for thread in watchers()] == [True]
    assert watchers() == []
    profiler.start_watching()
    assert watchers() == []
    profiler.close()
    assert not sampler.is_on()


def test_profiler_that_nobody_closes_is_collected_and_its_threads_end() -> None:
    profiler = Profiler(level=Level.SAMPLES, window_s=0.0)
    profiler.start_watching()
    threads, sampling = [profiler._watcher._thread, profiler._recorder()._watcher._thread], profiler._shared.sampling
    found = weakref.ref(profiler)
    del profiler
    while found() is not None:  # the thread holds it while it ends windows
        gc.collect()
    for thread in threads:
        assert thread is not None
        thread.join(60)
        assert not thread.is_alive()
    sampling.close()


def test_label_does_not_outlast_its_block_in_a_context_of_its_own(profiler: Profiler) -> None:
    def request() -> object:
        with profiler.scope("route"):
            pass
        return sampler.job_label.get()

    for _ in range(2_000):  # at 64 bytes a sample, many of them are taken while the label is reset
        assert contextvars.Context().run(request) is None


def test_outside_has_what_no_scope_has(profiler: Profiler) -> None:
    kept = [make()]
    with profiler.scope("route"):
        kept.append(make())
    outside = summary(profiler, OUTSIDE_JOBS)
    assert outside.kind is OwnerKind.OUTSIDE
    assert outside.live_bytes >= 0.9 * BLOCKS * BLOCK_BYTES
    assert held_by("route") == blocks()


@pytest.mark.parametrize("name", [5, None, ["a"], b"a"])
def test_name_that_is_no_text_is_refused_in_a_sentence(profiler: Profiler, name: object) -> None:
    with pytest.raises(TypeError, match=r"the name of a scope is a str, not "):
        profiler.scope(name)  # type: ignore[arg-type]


def test_what_is_no_function_cannot_be_watched(profiler: Profiler) -> None:
    with pytest.raises(TypeError, match=r"watch decorates a function, not None; write @profiler.watch above"):
        profiler.watch(None)  # type: ignore[call-overload]


def test_what_is_asked_of_live_memory_is_known_or_refused(profiler: Profiler) -> None:
    with profiler.scope("a"):
        pass
    with pytest.raises(UnknownScope, match="there is no scope or job 'b'"):
        profiler.live(scope="b")
    with pytest.raises(ValueError, match="group_by is one of line, function, file, scope, not 'colour'"):
        profiler.live(group_by="colour")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="order is one of live, allocated, not 'size'"):
        profiler.live(order="size")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="limit must be a number of sites, 0 or more, not -1"):
        profiler.live(limit=-1)
