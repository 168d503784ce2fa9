"""What a profiled run says of itself."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator

import pytest

from profiling import History, Level, Profiler, RunProfile
from profiling.errors import ChildFailed, NotEnoughRuns, UnknownJob
from profiling.records import Outcome, SiteKey, Snapshot, State
from profiling.samples import sampler
from profiling.traces.reader import TraceReader

KEPT_BYTES = 1_000_000
MAPPED_BYTES = 33 << 20  # malloc always maps so large a block, so the RSS rises by all of it
kept: list[bytearray] = []


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    profiler = Profiler(level=Level.LINES, limit_mb=512)
    yield profiler
    profiler.close()
    kept.clear()


def keep_a_megabyte() -> None:
    kept.append(bytearray(KEPT_BYTES))


KEEPING_LINE = keep_a_megabyte.__code__.co_firstlineno + 1


def retained(profile: RunProfile) -> dict[SiteKey, int]:
    assert profile.lines
    return {key: size_bytes for key, size_bytes, _ in profile.lines.retained.rows()}


class FailingReader(TraceReader):
    """Reads until it is told to fail with an error."""

    error: BaseException | None = None

    def read(self, session: int) -> Snapshot:
        if self.error:
            raise self.error
        return super().read(session)


async def test_run_names_the_line_that_kept_memory_and_how_much(profiler: Profiler) -> None:
    async with profiler.run("prices") as run:
        keep_a_megabyte()
    lines = retained(run.profile)
    assert KEPT_BYTES <= lines[__file__, KEEPING_LINE] < KEPT_BYTES + 200
    assert run.profile.retained_bytes == pytest.approx(KEPT_BYTES, abs=100_000)


def test_sync_code_is_profiled_alike(profiler: Profiler) -> None:
    with profiler.run("prices") as run:
        keep_a_megabyte()
    assert KEPT_BYTES <= retained(run.profile)[__file__, KEEPING_LINE] < KEPT_BYTES + 200


def test_memory_that_a_run_frees_counts_against_it(profiler: Profiler) -> None:
    with profiler.run("prices"):
        keep_a_megabyte()
    with profiler.run("prices") as run:
        kept.clear()
    assert -KEPT_BYTES - 200 < retained(run.profile)[__file__, KEEPING_LINE] <= -KEPT_BYTES


def test_memory_that_is_freed_in_the_run_shows_in_the_peak_alone(profiler: Profiler) -> None:
    with profiler.run("prices") as run:
        bytearray(50 * KEPT_BYTES)
    lines = run.profile.lines
    assert lines
    assert abs(lines.traced_diff_bytes) < KEPT_BYTES
    assert lines.traced_peak_bytes is not None
    assert lines.traced_peak_bytes - lines.traced_bytes > 45 * KEPT_BYTES


def test_retained_lines_sum_up_to_the_traced_change(profiler: Profiler) -> None:
    with profiler.run("prices") as run:
        keep_a_megabyte()
    lines = run.profile.lines
    assert lines
    assert lines.retained.size_bytes == lines.traced_diff_bytes
    assert lines.live.size_bytes == lines.traced_bytes


def test_run_says_what_it_was_and_what_it_cost(profiler: Profiler) -> None:
    with profiler.run("prices") as run:
        pass
    profile = run.profile
    assert (profile.id, profile.job, profile.level, profile.outcome) == (1, "prices", Level.LINES, Outcome.COMPLETED)
    assert profile.degraded is None
    assert profile.overlapped_with == ()
    assert profile.started_at.utcoffset() is not None
    assert profile.limit.limit_bytes == 512 << 20
    assert profile.percent == 100 * profile.after.rss_bytes / (512 << 20)
    assert profile.rss_diff_bytes == profile.after.rss_bytes - profile.before.rss_bytes
    assert profile.cost.duration_s > profile.cost.stall_s > 0
    assert profile.cost.memory_bytes > 0


def test_level_counters_leaves_tracing_off_and_tells_no_lines() -> None:
    profiler = Profiler(level=Level.COUNTERS)
    with profiler.run("prices") as run:
        assert not tracemalloc.is_tracing()
    assert run.profile.lines is None
    assert run.profile.retained_bytes is None
    assert run.profile.degraded is None
    assert run.profile.cost.memory_bytes == 0
    profiler.close()


def test_tracing_stays_on_between_runs_and_ends_with_close(profiler: Profiler) -> None:
    with profiler.run("prices"):
        pass
    assert tracemalloc.is_tracing()
    assert profiler.statistics().tracing
    profiler.close()
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError(), Outcome.FAILED),
        (KeyboardInterrupt(), Outcome.FAILED),
        (asyncio.CancelledError(), Outcome.CANCELLED),
    ],
)
def test_error_of_the_job_passes_and_is_its_outcome(profiler: Profiler, error: BaseException, outcome: Outcome) -> None:
    run = profiler.run("prices")
    with pytest.raises(type(error)), run:
        raise error
    assert run.profile.outcome is outcome
    assert run.profile.lines


def test_profile_is_not_there_before_the_end(profiler: Profiler) -> None:
    with profiler.run("prices") as run:
        assert not run.has_ended
        with pytest.raises(RuntimeError, match="the run of 'prices' has not ended"):
            _ = run.profile
    assert run.has_ended


async def test_overlapping_runs_name_each_other(profiler: Profiler) -> None:
    async with profiler.run("first") as first:
        async with profiler.run("second") as second:
            assert profiler.statistics().active_jobs == ("first", "second")
        async with profiler.run("third") as third:
            pass
    assert first.profile.overlapped_with == ("second", "third")
    assert second.profile.overlapped_with == third.profile.overlapped_with == ("first",)


async def test_runs_of_one_job_know_how_many_were_at_work_together(profiler: Profiler) -> None:
    async with profiler.run("job") as first, profiler.run("other") as other:
        async with profiler.run("job") as second, profiler.run("job") as third:
            pass
        async with profiler.run("job") as fourth:
            pass
    assert [run.profile.at_once for run in (first, second, third, fourth, other)] == [3, 3, 3, 2, 1]


async def test_exact_run_that_was_not_alone_says_whose_memory_its_lines_have_in_them(profiler: Profiler) -> None:
    async with profiler.run("first") as first:
        for job in ("third", "second"):
            async with profiler.run(job) as inner:
                keep_a_megabyte()
    assert inner.profile.degraded == (
        "estimates take the place of exact lines, which would include memory that first kept, "
        "because the runs overlapped"
    )
    assert first.profile.degraded == (
        "estimates take the place of exact lines, which would include memory that second and third kept, "
        "because the runs overlapped"
    )
    assert inner.profile.retained_bytes == pytest.approx(KEPT_BYTES, abs=100_000)
    assert first.profile.retained_bytes == pytest.approx(0, abs=100_000)
    async with profiler.run("alone") as alone:
        pass
    assert alone.profile.degraded is None


async def test_exact_run_that_was_not_alone_says_so_without_samples_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "unavailable_reason", lambda: "it is not built")
    profiler = Profiler(level=Level.LINES)
    async with profiler.run("first"), profiler.run("second") as second:
        keep_a_megabyte()
    assert second.profile.samples is None
    assert second.profile.degraded == "the lines include memory that first kept, because the runs overlapped"
    profiler.close()
    kept.clear()


async def test_runs_that_overlap_at_samples_miss_nothing() -> None:
    profiler = Profiler(level=Level.SAMPLES)
    async with profiler.run("first"), profiler.run("second") as second:
        pass
    assert (second.profile.overlapped_with, second.profile.degraded) == (("first",), None)
    profiler.close()


@pytest.mark.parametrize(("level", "degraded"), [(Level.LINES, "no turn"), (Level.SAMPLES, None)])
def test_run_that_is_not_to_be_exact_has_samples_and_says_why(level: Level, degraded: str | None) -> None:
    profiler = Profiler(level=level)
    with profiler.run("prices", why_inexact="no turn") as run:
        keep_a_megabyte()
    assert not tracemalloc.is_tracing()
    assert (run.profile.lines, run.profile.degraded) == (None, degraded)
    assert run.profile.retained_bytes == pytest.approx(KEPT_BYTES, abs=100_000)
    profiler.close()
    kept.clear()


def test_failed_child_degrades_the_run_and_not_the_job() -> None:
    reader = FailingReader()
    reader.error = ChildFailed("counting the traces", "did not finish in time")
    profiler = Profiler(level=Level.LINES, reader=reader)
    with profiler.run("prices") as run:
        reader.error = None
    assert run.profile.lines is None
    assert run.profile.degraded == "the child process for counting the traces did not finish in time"
    profiler.close()


def test_want_of_memory_at_the_end_degrades_the_run_and_not_the_job() -> None:
    reader = FailingReader()
    profiler = Profiler(level=Level.LINES, reader=reader)
    with profiler.run("prices") as run:
        reader.error = MemoryError()
    assert run.profile.lines is None
    assert run.profile.degraded == "there was not enough memory to read the traces"
    assert run.profile.cost.memory_bytes > 0
    profiler.close()


def test_error_that_nobody_expects_ends_the_run_cleanly() -> None:
    reader = FailingReader()
    reader.error = KeyboardInterrupt()
    profiler = Profiler(level=Level.LINES, reader=reader)
    with pytest.raises(KeyboardInterrupt), profiler.run("prices"):
        raise AssertionError("the job must not start")
    assert profiler.statistics().active_jobs == ()
    profiler.close()


async def test_cancelled_at_the_first_reading_the_run_is_over() -> None:
    profiler = Profiler(level=Level.LINES, reader=TraceReader(fork_above_traces=10**9))

    async def job() -> None:
        async with profiler.run("prices"):
            raise AssertionError("the job must not start")

    running = asyncio.create_task(job())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert profiler.statistics().active_jobs == ()
    profiler.close()


async def test_cancelled_at_the_last_reading_the_run_is_kept_without_lines() -> None:
    profiler = Profiler(level=Level.LINES, reader=TraceReader(fork_above_traces=10**9))
    entered = asyncio.Event()

    async def job() -> None:
        async with profiler.run("prices"):
            entered.set()

    running = asyncio.create_task(job())
    await entered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    (profile,) = profiler.history.runs("prices")
    assert profile.degraded == "the run was cancelled while its traces were read"
    assert profile.lines is None
    profiler.close()


def test_tracing_stopped_in_the_run_degrades_it(profiler: Profiler) -> None:
    with profiler.run("prices") as run:
        tracemalloc.stop()
    assert run.profile.lines is None
    assert run.profile.degraded == "tracing was switched off during the run, which discarded its traces"


def test_diff_tells_the_line_that_grew_between_the_last_two_runs(profiler: Profiler) -> None:
    for _ in range(3):
        with profiler.run("prices"):
            keep_a_megabyte()
    diff = profiler.diff("prices")
    (site,) = [site for site in diff.change.sites if site.line == KEEPING_LINE and site.path == __file__]
    assert (diff.run.id, diff.against.id) == (3, 2)
    assert (site.function, site.source) == ("keep_a_megabyte", "kept.append(bytearray(KEPT_BYTES))")
    assert KEPT_BYTES <= site.size_diff_bytes < KEPT_BYTES + 200
    totals = diff.change.totals
    assert totals.attributed_bytes + totals.unattributed_bytes == totals.size_diff_bytes
    assert totals.listed_bytes + totals.omitted_bytes == totals.attributed_bytes


def test_diff_of_one_run_or_of_none_says_what_is_missing(profiler: Profiler) -> None:
    with pytest.raises(UnknownJob, match="there is no job 'prices'; no job is known yet"):
        profiler.diff("prices")
    with profiler.run("prices"):
        pass
    with pytest.raises(NotEnoughRuns, match=r"has 1 profiled run with lines, but a comparison needs 2"):
        profiler.diff("prices")


def test_statistics_count_what_is_kept() -> None:
    profiler = Profiler(level=Level.COUNTERS, history=History(runs_per_job=2))
    for _ in range(3):
        with profiler.run("prices"):
            pass
    statistics = profiler.statistics()
    assert (statistics.runs, statistics.history_runs) == (3, 2)
    assert statistics.history_bytes == profiler.history.overhead_bytes()
    assert profiler.overhead_bytes() == statistics.history_bytes + profiler._judging.cases.overhead_bytes()
    assert profiler.verdict("prices").runs == 3, "a verdict remembers more runs than the history"
    assert profiler.usage().rss_bytes > 0


def test_traces_that_would_go_over_the_budget_are_not_read_and_the_run_says_so() -> None:
    profiler = Profiler(level=Level.LINES, budget_mb=0.001)
    with profiler.run("first"):
        kept = [bytes(100) for _ in range(5_000)]
    with profiler.run("second") as run:
        pass
    profiler.close()
    assert run.profile.lines is None
    assert run.profile.degraded is not None
    assert run.profile.degraded.startswith("reading the traces would take ")
    assert run.profile.degraded.endswith(" MB, but the budget (PROFILING_BUDGET_MB) is 0 MB")
    assert run.profile.after.rss_bytes > 0
    assert len(kept) == 5_000


def test_what_is_left_to_the_limit_bounds_the_traces_too() -> None:
    profiler = Profiler(level=Level.LINES, limit_mb=1)
    with profiler.run("first"):
        kept = [bytes(100) for _ in range(5_000)]
    with profiler.run("second") as run:
        pass
    profiler.close()
    assert run.profile.degraded is not None
    assert run.profile.degraded.endswith("but the memory left below the limit is 0 MB")
    assert len(kept) == 5_000


async def test_verdict_is_made_once_after_a_run_however_often_it_is_asked_for(profiler: Profiler) -> None:
    for _ in range(2):
        async with profiler.run("prices"):
            pass
    first = profiler.verdict("prices")
    assert (await profiler.verdicts())["prices"] is first is profiler.last_verdict("prices")
    async with profiler.run("prices"):
        pass
    (again,) = (await profiler.verdicts("prices")).values()
    assert (first.runs, again.runs) == (2, 3)
    assert profiler.verdict("prices") is again


def test_process_that_grows_is_growing_and_never_accused_if_only_counters_are_to_be_had() -> None:
    profiler = Profiler(level=Level.COUNTERS)
    for _ in range(12):
        with profiler.run("grows"):
            kept.append(bytearray(b"x" * MAPPED_BYTES))
        with profiler.run("steady"):
            pass
    grows, steady = profiler.verdict("grows"), profiler.verdict("steady")
    assert (grows.state, grows.accusation) == (State.GROWING, None)
    assert grows.bytes_per_run == pytest.approx(MAPPED_BYTES, rel=0.1)
    assert grows.reason.endswith(" per run over 12 runs; a leak can only be found with samples or exact lines")
    assert steady.state is State.STABLE
    assert steady.reason == (
        "the process does not grow over 12 runs; a leak can only be found with samples or exact lines"
    )
    kept.clear()
    profiler.close()
