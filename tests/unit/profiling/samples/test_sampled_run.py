"""Runs at level samples: what each job kept, while they overlap, and what else a report says of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence

import pytest

from profiling import Level, Profiler
from profiling.process.full_collections import BudgetedCollector
from profiling.process.usage import counters
from profiling.records import State
from profiling.report.json import diff_to_dict, run_to_dict, run_with_sites_to_dict
from profiling.report.text import allocation_lines, diff_to_text
from profiling.samples import sampler

if sampler.unavailable_reason() is not None:
    pytest.skip(str(sampler.unavailable_reason()), allow_module_level=True)


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    made = Profiler(level=Level.SAMPLES, sample_bytes=256)
    yield made
    made.close()
    assert not sampler.is_on()


def helper(size_bytes: int) -> Sequence[bytes]:
    return [bytes(967) for _ in range(size_bytes // 1_000)]


async def test_two_overlapping_jobs_through_one_helper_are_told_apart(profiler: Profiler) -> None:
    kept: list[object] = []
    both_run = asyncio.Barrier(2)

    async def job(name: str, size_bytes: int) -> None:
        async with profiler.run(name):
            await both_run.wait()
            async with asyncio.TaskGroup() as group:
                group.create_task(child(size_bytes // 2))
                group.create_task(asyncio.to_thread(lambda: kept.append(helper(size_bytes // 2))))
            await both_run.wait()

    async def child(size_bytes: int) -> None:
        await asyncio.sleep(0)
        kept.append(helper(size_bytes))

    for _ in range(3):
        await asyncio.gather(job("small", 200_000), job("large", 2_000_000))
    for name, truth_bytes in (("small", 200_000), ("large", 2_000_000)):
        for run in profiler.history.runs(name)[1:]:
            assert run.overlapped_with == (("large",) if name == "small" else ("small",))
            assert run.samples is not None
            # A worker thread that a run starts stays, and 3.13 takes 10 KB for its state from the RAW domain.
            assert run.retained_bytes == pytest.approx(truth_bytes, rel=0.05, abs=25_000)
            site = (__file__, helper.__code__.co_firstlineno + 1)
            sizes = {key: size_bytes for key, size_bytes, _ in run.samples.retained.rows()}
            assert sizes[site] == pytest.approx(1.01 * truth_bytes, rel=0.06)  # with the lists; 1 % is a standard error


@pytest.mark.parametrize("runs", [1, 4, 16])
async def test_runs_of_one_job_at_once_are_each_told_what_they_keep_themselves(runs: int) -> None:
    profiler, kept = Profiler(level=Level.SAMPLES, sample_bytes=1_024), []
    # Of 40 blocks of 1 000 bytes, each taken with the chance p. The standard error that comes with a run is that of its
    # samples, and too small if these are few: one run in two thousand is more than 4.5 of them off.
    p = -math.expm1(-1_000 / 1_024)
    error_bytes = 1_000 * math.sqrt(40 * (1 - p) / p)
    all_run = asyncio.Barrier(runs)

    async def child() -> None:
        await asyncio.sleep(0)
        kept.append(helper(10_000))

    async def job() -> None:
        async with profiler.run("job"):
            await all_run.wait()
            kept.append(helper(20_000))
            async with asyncio.TaskGroup() as group:
                group.create_task(child())
                group.create_task(asyncio.to_thread(lambda: kept.append(helper(10_000))))
            await all_run.wait()

    for _ in range(3):
        await asyncio.gather(*(job() for _ in range(runs)))
    profiles = profiler.history.runs("job")
    profiler.close()
    assert len({profile.birth for profile in profiles}) == 3 * runs
    off = []
    for profile in profiles:
        assert profile.samples is not None
        assert profile.samples.precision is not None
        assert profile.retained_bytes is not None
        sizes = {site: size_bytes for site, size_bytes, _ in profile.samples.retained.rows()}
        told_bytes = sizes[__file__, helper.__code__.co_firstlineno + 1]
        off.append((told_bytes - 40 * 1_000) / error_bytes)
        assert abs(off[-1]) < 6  # with three lists, each of which may stand for 1 150 bytes
        assert 0.5 * error_bytes < profile.samples.precision.retained_error_bytes < 3 * error_bytes
        assert profile.retained_bytes - told_bytes < 40_000  # tasks, the loop, a new worker thread's state
    assert abs(sum(off)) / len(off) < 5 / len(off) ** 0.5


def test_what_a_run_keeps_is_told_with_its_standard_error(profiler: Profiler) -> None:
    kept = []
    for _ in range(2):
        with profiler.run("job") as run:
            kept.append(helper(1_000_000))
    samples = run.profile.samples
    assert samples is not None
    assert samples.precision is not None
    error_bytes = samples.precision.retained_error_bytes
    assert 0 < error_bytes < 20_000
    assert abs(samples.traced_diff_bytes - 1_008_000) < 5 * error_bytes
    assert samples.traced_bytes == pytest.approx(2_016_000, rel=0.05)


def test_run_that_frees_what_another_kept_has_kept_nothing_itself(profiler: Profiler) -> None:
    with profiler.run("job"):
        kept = helper(1_000_000)
    with profiler.run("job") as run:
        assert len(kept) == 1_000
        del kept
    assert run.profile.samples is not None
    assert run.profile.retained_bytes == pytest.approx(0, abs=2_000)
    assert run.profile.samples.traced_bytes == pytest.approx(0, abs=2_000)


def test_peak_of_a_run_is_told_by_line(profiler: Profiler) -> None:
    with profiler.run("job") as run:
        helper(2_000_000)
    told = run_with_sites_to_dict(run.profile, profiler.source.places, limit=5)
    assert told["sites"] == []
    (site,) = told["peak_sites"]
    assert site["function"] == "helper"
    assert site["size_bytes"] == pytest.approx(2_000_000, rel=0.12)


def test_diff_of_two_runs_is_by_samples_of_the_job_alone_and_says_so(profiler: Profiler) -> None:
    kept = []
    for _ in range(2):
        with profiler.run("other"):
            kept.append(helper(500_000))
        with profiler.run("job"):
            kept.append(helper(1_000_000))
    diff = profiler.diff("job")
    assert diff.change.bytes_per_sample == 256
    assert diff.change.totals.size_diff_bytes == pytest.approx(1_008_000, rel=0.05)
    assert diff.change.totals.attributed_bytes + diff.change.totals.unattributed_bytes == (
        diff.change.totals.size_diff_bytes
    )
    text = diff_to_text(diff, profiler.verdict("job"))
    assert "estimates, from one sample every 256 B\n" in text
    assert "(estimate, ±" in text
    told = diff_to_dict(diff, profiler.verdict("job"))
    assert told["sampled_every_bytes"] == 256
    assert 0 < told["sites"][0]["error_bytes"] < 30_000


def test_allocation_lines_say_that_they_are_estimates(profiler: Profiler) -> None:
    with profiler.run("job") as run:
        kept = helper(1_000_000)
    (line, *_) = allocation_lines(run.profile, profiler.source.places)
    assert line.startswith(("+9", "+1"))
    assert "test_sampled_run.py" in line
    assert "helper (estimate, ±" in line
    assert len(kept) == 1_000
    told = run_to_dict(run.profile)
    assert told["lines"] is None
    assert told["samples"]["sampled_every_bytes"] == 256


def test_run_says_why_it_has_no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "_sampler", None)
    monkeypatch.setattr(sampler, "_why", "there is no compiler")
    profiler = Profiler(level=Level.SAMPLES)
    with profiler.run("job") as run:
        pass
    profiler.close()
    assert run.profile.samples is None
    assert run.profile.degraded == "no samples were taken: there is no compiler"


def test_run_in_which_sampling_was_stopped_says_so() -> None:
    profiler = Profiler(level=Level.SAMPLES)
    with profiler.run("job") as run:
        sampler.stop()
    profiler.close()
    assert run.profile.samples is None
    assert run.profile.degraded == "sampling was stopped during the run, which discarded its samples"


def test_adaptive_profiler_without_the_extension_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "_sampler", None)
    monkeypatch.setattr(sampler, "_why", "there is no compiler")
    profiler = Profiler(level=Level.ADAPTIVE)
    with profiler.run("job") as run:
        pass
    profiler.close()
    assert (run.profile.level, run.profile.samples, run.profile.degraded) == (Level.COUNTERS, None, None)


@pytest.mark.parametrize(("left_mb", "state"), [(60, State.LEAKING), (10_000, State.GROWING)])
def test_adaptive_profiler_finds_a_leak_and_its_line_within_15_runs(left_mb: int, state: State) -> None:
    """As a leak if it will fill the memory soon, else as growth that may be settled yet."""
    limit_mb = counters().rss_bytes / (1 << 20) + left_mb
    profiler, kept = Profiler(level=Level.ADAPTIVE, limit_mb=limit_mb), []
    # A collection in a process of many tests may take longer than one in a service.
    profiler._shared.collector = BudgetedCollector(is_bounded=False)
    for _ in range(15):
        with profiler.run("job"):
            kept.append(bytes(1_000_000))
    verdict = profiler.last_verdict("job")
    profiler.close()
    assert verdict is not None
    assert verdict.state is state
    assert verdict.suspects[0].site[0] == __file__
    assert verdict.suspects[0].site[1] == kept_line()


def kept_line() -> int:
    test = test_adaptive_profiler_finds_a_leak_and_its_line_within_15_runs
    return test.__code__.co_firstlineno + 9


async def test_exact_runs_that_overlap_are_told_apart_by_their_samples_too() -> None:
    profiler, kept = Profiler(level=Level.LINES, sample_bytes=256), []
    both_run = asyncio.Barrier(2)

    async def job(name: str, size_bytes: int) -> None:
        async with profiler.run(name):
            await both_run.wait()
            kept.append(helper(size_bytes))
            await both_run.wait()

    async with profiler.run("alone") as alone:
        kept.append(helper(500_000))
    for _ in range(2):
        await asyncio.gather(job("small", 200_000), job("large", 2_000_000))
    runs = {name: profiler.history.runs(name)[-1] for name in ("small", "large")}
    profiler.close()
    assert alone.profile.best_lines is alone.profile.lines
    for name, truth_bytes in (("small", 200_000), ("large", 2_000_000)):
        lines = runs[name].lines
        assert lines is not None
        assert lines.traced_diff_bytes > 2_200_000  # of both
        assert runs[name].retained_bytes == pytest.approx(truth_bytes, rel=0.05)
