"""Jobs under the profiler: each run measured, alone where lines are counted, and told of in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest

from profiling import Level, Profiler
from profiling.process import usage
from profiling.process.full_collections import BudgetedCollector
from profiling.windows import PATIENCE
from tests.unit.volaris.scheduler.clock import settle
from volaris.instrumentation.job_profiler import JobProfiler
from volaris.logs import setup_logging
from volaris.scheduler import Every, Job, JobRun, RunOutcome
from volaris.scheduler.middleware import compose, timeout

STARTED = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)
kept: list[bytes] = []


def job(run: Callable[[], Awaitable[object]], job_id: str = "work", timeout_s: float = 30) -> Job:
    return Job(id=job_id, run=run, trigger=Every(60), timeout_s=timeout_s)


def ended(outcome: RunOutcome = RunOutcome.COMPLETED, job_id: str = "work") -> JobRun:
    return JobRun(
        job_id=job_id, started_at=STARTED, duration_s=1.25, outcome=outcome, coalesced_slots=0, error_text=None
    )


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    profiler = Profiler(level=Level.LINES, limit_mb=512)
    yield profiler
    profiler.close()
    kept.clear()


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    setup_logging("INFO", "text")
    yield lambda: [line.split(" - ", 1)[1] for line in capsys.readouterr().err.splitlines() if line[:2] == "20"]
    setup_logging("WARNING", "text")


async def keep_something() -> str:
    kept.append(bytes(300_000))
    return "result"


async def do_nothing() -> None:
    return


async def test_run_is_profiled_under_the_jobs_name_and_its_result_passes(profiler: Profiler) -> None:
    assert await JobProfiler(profiler).middleware(job(keep_something)).run() == "result"
    (run,) = profiler.history.runs("work")
    assert run.retained_bytes is not None
    assert run.retained_bytes > 300_000


async def test_error_passes_and_the_run_is_profiled_all_the_same(profiler: Profiler) -> None:
    async def fail() -> None:
        raise ValueError("no price")

    with pytest.raises(ValueError, match="no price"):
        await JobProfiler(profiler).middleware(job(fail)).run()
    assert [run.outcome.value for run in profiler.history.runs("work")] == ["failed"]


async def test_runs_that_count_lines_wait_for_each_other(profiler: Profiler) -> None:
    profiled, hold, notes = JobProfiler(profiler), asyncio.Event(), []

    async def first() -> None:
        await hold.wait()
        notes.append("first")

    async def second() -> None:
        notes.append("second")

    running = [
        asyncio.ensure_future(profiled.middleware(job(run, name)).run()) for run, name in ((first, "a"), (second, "b"))
    ]
    await settle()
    assert notes == []
    hold.set()
    await asyncio.gather(*running)
    assert notes == ["first", "second"]
    assert [run.overlapped_with for run in profiler.history.runs()] == [(), ()]


@pytest.mark.parametrize(("exclusive", "level"), [(False, Level.LINES), (True, Level.COUNTERS)])
async def test_without_need_or_wish_jobs_overlap_and_say_so(exclusive: bool, level: Level) -> None:
    profiler = Profiler(level=level)
    profiled, hold, begun = JobProfiler(profiler, exclusive=exclusive), asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        await hold.wait()

    running = asyncio.ensure_future(profiled.middleware(job(wait, "a")).run())
    await begun.wait()
    await profiled.middleware(job(do_nothing, "b")).run()
    hold.set()
    await running
    assert [run.overlapped_with for run in profiler.history.runs()] == [("a",), ("b",)]
    profiler.close()


async def test_waiting_for_the_run_before_is_no_failure_and_costs_exact_lines_at_most(profiler: Profiler) -> None:
    profiled, hold = JobProfiler(profiler, max_wait_s=0.0), asyncio.Event()
    running = asyncio.ensure_future(profiled.middleware(job(hold.wait, "a")).run())
    await settle()
    limited = compose(profiled.middleware, timeout)
    assert await limited(job(keep_something, "b", timeout_s=5)).run() == "result"
    hold.set()
    await running
    (waited,) = profiler.history.runs("b")
    assert waited.lines is None
    assert waited.degraded == "another job was still running after 0 s, so this run has no exact lines"
    assert waited.samples is not None
    assert waited.retained_bytes is not None
    assert waited.retained_bytes > 300_000
    (beside,) = profiler.history.runs("a")
    assert beside.degraded == (
        "estimates take the place of exact lines, which would include memory that b kept, because the runs overlapped"
    )


async def test_time_limit_begins_when_the_turn_has_come(profiler: Profiler) -> None:
    profiled, hold = JobProfiler(profiler), asyncio.Event()
    running = asyncio.ensure_future(profiled.middleware(job(hold.wait, "a")).run())
    await settle()
    limited = compose(profiled.middleware, timeout)
    waiting = asyncio.ensure_future(limited(job(keep_something, "b", timeout_s=1e-9)).run())
    await settle()  # in which a time limit that had begun would be over
    assert not waiting.done()
    hold.set()
    await running
    assert await waiting == "result"
    (run,) = profiler.history.runs("b")
    assert (run.degraded, run.overlapped_with) == (None, ())
    assert run.lines is not None


async def test_turn_is_given_back_by_a_run_that_fails_or_is_cancelled_while_it_waits(profiler: Profiler) -> None:
    profiled, hold = JobProfiler(profiler), asyncio.Event()

    async def fail() -> None:
        await hold.wait()
        raise ValueError("no price")

    running = asyncio.ensure_future(profiled.middleware(job(fail, "a")).run())
    await settle()
    waiting = asyncio.ensure_future(profiled.middleware(job(keep_something, "b")).run())
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    hold.set()
    with pytest.raises(ValueError, match="no price"):
        await running
    await profiled.middleware(job(do_nothing, "c")).run()
    assert [(run.job, run.degraded) for run in profiler.history.runs()] == [("a", None), ("c", None)]


async def test_completed_run_is_one_line_and_its_allocations_up_to_five(
    profiler: Profiler, log: Callable[[], list[str]]
) -> None:
    profiled = JobProfiler(profiler)
    await profiled.middleware(job(keep_something)).run()
    await profiled.report(ended(), None)
    first, *allocations = log()
    assert first.startswith("INFO - job_completed - job_id=work memory_mb=")
    assert " level=lines run=1" in first
    assert 1 <= len(allocations) <= 5
    line = keep_something.__code__.co_firstlineno + 1
    assert allocations[0].startswith("INFO - job_allocations - job_id=work +293.0 KiB (+")
    assert allocations[0].endswith(f") tests/unit/volaris/instrumentation/test_job_profiler.py:{line} keep_something")


async def test_failed_run_is_told_with_the_same_fields_and_its_traceback(
    profiler: Profiler, capsys: pytest.CaptureFixture[str], log: Callable[[], list[str]]
) -> None:
    profiled = JobProfiler(profiler)
    await profiled.middleware(job(do_nothing)).run()
    await profiled.report(ended(RunOutcome.FAILED), ValueError("no price"))
    told = capsys.readouterr().err
    assert "ERROR - job_failed - job_id=work memory_mb=" in told
    assert "retained_kb=" in told
    assert "\nValueError: no price\n" in told


async def test_run_that_was_never_measured_is_told_with_what_is_known(
    profiler: Profiler, log: Callable[[], list[str]]
) -> None:
    await JobProfiler(profiler).report(ended(RunOutcome.CANCELLED), None)
    (line,) = log()
    assert line.startswith("WARNING - job_cancelled - job_id=work memory_mb=")
    assert line.endswith(" duration_s=1.25")


async def test_what_a_run_overlapped_and_why_it_is_degraded_is_told(log: Callable[[], list[str]]) -> None:
    profiler = Profiler(level=Level.LINES)
    profiled = JobProfiler(profiler, exclusive=False)

    async def stop_tracing() -> None:
        async with profiler.run("other"):
            profiler.close()

    await profiled.middleware(job(stop_tracing)).run()
    await profiled.report(ended(), None)
    (line,) = [line for line in log() if "job_completed" in line]
    assert line.endswith(
        ' overlapped_with=other degraded="tracing was switched off during the run, which discarded its traces"'
    )
    profiler.close()


async def told_of(runs: int, run: Callable[[], Awaitable[object]], *, left_mb: float) -> None:
    limit_mb = usage.resident_and_virtual()[0] / 2**20 + left_mb
    profiler = Profiler(level=Level.SAMPLES, limit_mb=limit_mb)
    # A collection in a process of many tests may take longer than one in a service.
    profiler._shared.collector = BudgetedCollector(is_bounded=False)
    profiled = JobProfiler(profiler)
    for _ in range(runs):
        await profiled.middleware(job(run)).run()
        await profiled.report(ended(), None)
    profiler.close()


async def test_leak_is_told_once_with_its_line_and_when_the_memory_is_full(log: Callable[[], list[str]]) -> None:
    await told_of(24, keep_something, left_mb=24)
    grows, forecast = [line for line in log() if "job_grows" in line or "memory_forecast" in line]
    line = keep_something.__code__.co_firstlineno + 1
    assert grows.startswith("WARNING - job_grows - job_id=work verdict=leaking runs=12 kb_per_run=29")
    assert f" full_in_h=0.0 at=tests/unit/volaris/instrumentation/test_job_profiler.py:{line} 29" in grows
    assert forecast.startswith("WARNING - memory_forecast - job_id=work at 29")
    assert "will be full in " in forecast


async def test_leak_outside_jobs_is_told_too(log: Callable[[], list[str]]) -> None:
    profiler = Profiler(level=Level.SAMPLES, window_s=0.0)
    # Windows without length leave no time for a share of it.
    profiler._shared.collector = BudgetedCollector(is_bounded=False)
    profiled = JobProfiler(profiler)
    for _ in range(PATIENCE.usual_runs + 2):
        await keep_something()
        await profiled.middleware(job(lambda: asyncio.sleep(0))).run()
        await profiled.report(ended(), None)
    profiler.close()
    kept.clear()
    (grows,) = [line for line in log() if "job_grows" in line]
    assert 'job_id="(outside jobs)" verdict=leaking' in grows


async def test_what_may_still_fill_up_is_not_told(log: Callable[[], list[str]]) -> None:
    await told_of(38, keep_something, left_mb=4_000)  # `growing`: it is watched for longer
    told = log()
    assert sum("job_completed" in line for line in told) == 38
    assert [line for line in told if "job_grows" in line or "memory_forecast" in line] == []
    kept.clear()
