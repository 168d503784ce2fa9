"""What changes over some seconds, whatever runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from profiling import Level, Profiler
from profiling.errors import DiffInProgress, IntervalBroken
from profiling.report.text import time_diff_to_text
from profiling.samples import sampler
from profiling.traces import tracing

LEVELS = [Level.LINES, Level.SAMPLES] if sampler.unavailable_reason() is None else [Level.LINES]
kept: list[object] = []


@pytest_asyncio.fixture(params=LEVELS)
async def profiler(request: pytest.FixtureRequest) -> AsyncIterator[Profiler]:
    made = Profiler(level=request.param, sample_bytes=256)
    async with made.run("first"):
        pass
    yield made
    made.close()
    kept.clear()


def waiting(work: Callable[[], object]) -> Callable[[float], Awaitable[object]]:
    async def wait(seconds: float) -> None:
        assert seconds == 30
        work()

    return wait


def keep() -> None:
    kept.append([bytes(967) for _ in range(1_000)])


async def test_what_is_made_in_between_is_told_by_line(profiler: Profiler) -> None:
    diff = await profiler.diff_over(30, wait=waiting(keep))
    site = diff.change.sites[0]
    assert (site.path, site.function) == (__file__, "keep")
    assert site.size_diff_bytes == pytest.approx(1_000_000, rel=0.1)
    totals = diff.change.totals
    assert totals.attributed_bytes + totals.unattributed_bytes == totals.size_diff_bytes
    assert (diff.change.bytes_per_sample is None) == (profiler.level is Level.LINES)
    assert (diff.jobs, diff.collected) == ((), False)
    title = f"the process over {diff.seconds:.0f} s, by line, with no job running\n"  # 0 s, unless the machine is busy
    assert time_diff_to_text(diff).startswith(title)


async def test_runs_under_way_are_named(profiler: Profiler) -> None:
    async with profiler.run("busy"):
        diff = await profiler.diff_over(30, wait=waiting(keep), limit=1, group_by="function")
    assert diff.jobs == ("busy",)
    assert len(diff.change.sites) == 1


async def test_jobs_that_began_and_ended_meanwhile_are_named_too(profiler: Profiler) -> None:
    def work() -> None:
        for job in ("second", "third", "second"):
            with profiler.run(job):
                keep()

    async with profiler.run("busy"):
        diff = await profiler.diff_over(30, wait=waiting(work))
    assert diff.jobs == ("busy", "second", "third")
    assert ", with busy, second, third running\n" in time_diff_to_text(diff)
    assert profiler._shared.onlookers == ()


async def test_garbage_does_not_count_where_it_is_collected_first(profiler: Profiler) -> None:
    def make_garbage() -> None:
        node: list[object] = [bytes(967) for _ in range(1_000)]
        node.append(node)

    gc.disable()
    try:
        dirty = await profiler.diff_over(30, wait=waiting(make_garbage))
        clean = await profiler.diff_over(30, collect=True, wait=waiting(make_garbage))
    finally:
        gc.enable()
    assert dirty.change.totals.size_diff_bytes > 800_000
    assert abs(clean.change.totals.size_diff_bytes) < 100_000


async def test_second_look_at_once_is_refused_and_the_next_is_not(profiler: Profiler) -> None:
    async def meanwhile(seconds: float) -> None:
        with pytest.raises(DiffInProgress, match="another diff over some seconds is in progress"):
            await profiler.diff_over(1)

    await profiler.diff_over(30, wait=meanwhile)
    await profiler.diff_over(30, wait=waiting(keep))


async def test_what_was_stopped_in_between_is_told(profiler: Profiler) -> None:
    with pytest.raises(IntervalBroken, match="stopped during the interval"):
        await profiler.diff_over(30, wait=waiting(profiler.close))


@pytest.mark.skipif(sampler.unavailable_reason() is not None, reason="the extension is not built")
async def test_without_lines_and_samples_it_samples_for_as_long_as_it_looks() -> None:
    profiler = Profiler(level=Level.COUNTERS, sample_bytes=256)
    diff = await profiler.diff_over(30, wait=waiting(keep))
    assert diff.change.bytes_per_sample == 256
    assert diff.change.sites[0].function == "keep"
    assert not sampler.is_on()
    assert not tracing.is_on()
    kept.clear()


async def test_waiting_is_cancelled_with_whoever_asked(profiler: Profiler) -> None:
    is_waiting = asyncio.Event()

    async def wait(seconds: float) -> None:
        is_waiting.set()
        await asyncio.Event().wait()

    looking = asyncio.create_task(profiler.diff_over(600, wait=wait))
    await is_waiting.wait()
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    await profiler.diff_over(30, wait=waiting(keep))
