"""A call again and again, and whether it keeps more with every run.

Few runs cannot tell a leak from a cache that fills up. So the few that were asked for only acquit: where they kept
something, more follow, and the profiler's verdict over all of them decides.
"""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import fmean, median

from _pytest.logging import LogCaptureHandler  # the class alone is private; `caplog` hands out its instances

from profiling.profiler import Profiler
from profiling.pytest_plugin.peak import JOB, SAMPLE_BYTES, close_when_quiet
from profiling.pytest_plugin.plans import LeakPlan
from profiling.records import Counters, Level, RunProfile, State, Suspect, Verdict
from profiling.samples import sampler
from profiling.source import is_users
from profiling.verdict.judge import LEAST_PROCESS_BYTES, LEAST_PROCESS_RISE_BYTES
from profiling.verdict.series import MIN_RUNS
from profiling.verdict.suspects import suspects

RUNS_TO_BE_SURE = 20


def leak_of(call: Callable[[], object], plan: LeakPlan) -> Verdict | None:
    """The verdict where it keeps more than is tolerated; None where it does not.

    The first run of the warm-up has been made by the caller. What a run raises ends it, with a note of which it was.
    """
    for number in range(2, plan.warmup + 1):
        _run(call, number)
    verdict = _judged(call, plan, Level.LINES, plan.runs)
    if verdict is None or not _is_leak(verdict, plan):
        return None
    if verdict.state is State.LEAKING and not _begins_at_users(verdict) and sampler.unavailable_reason() is not None:
        # The line is in a library, and without samples its callers are only known at the level that takes longest.
        with_stacks = _judged(call, plan, Level.STACKS, MIN_RUNS)
        return with_stacks if with_stacks is not None and _is_leak(with_stacks, plan) else verdict
    return verdict


def _is_leak(verdict: Verdict, plan: LeakPlan) -> bool:
    grows = verdict.state.grows
    return grows and (verdict.bytes_per_run or 0.0) > plan.tolerance.size_bytes


def _begins_at_users(verdict: Verdict) -> bool:
    return bool(verdict.suspects) and is_users(verdict.suspects[0].site[0])


def _judged(call: Callable[[], object], plan: LeakPlan, level: Level, runs: int) -> Verdict | None:
    """After `runs` None where they kept nothing, else what some more of them say."""
    profiler = Profiler(level=level, arenas=True, sample_bytes=SAMPLE_BYTES)
    try:
        for number in range(max(runs, RUNS_TO_BE_SURE)):
            if number == runs and not _keeps_something(profiler.history.runs(JOB), plan):
                return None
            before = sampler.job_label.get()
            with profiler.run(JOB):
                sampler.share_birth(before)
                _run(call, plan.warmup + number + 1)
                gc.collect()
        return _with_users_lines(profiler.verdict(JOB), profiler.history.runs(JOB))
    finally:
        close_when_quiet(profiler)


def _with_users_lines(verdict: Verdict, runs: Sequence[RunProfile]) -> Verdict:
    """With the estimates' lines where the exact ones are a library's: a sample knows who called it."""
    if verdict.state is not State.LEAKING or _begins_at_users(verdict):
        return verdict
    estimated = tuple(
        Suspect(site=site, bytes_per_run=bytes_per_run, stack=(site,))
        for site, bytes_per_run in suspects([replace(run, lines=None) for run in runs])
    )
    told = replace(verdict, suspects=estimated)
    return told if _begins_at_users(told) else verdict


def _keeps_something(runs: Sequence[RunProfile], plan: LeakPlan) -> bool:
    """By the typical run or by all together: some leak with every third run only."""
    retained = [run.retained_bytes or 0 for run in runs]
    if max(median(retained), fmean(retained)) > plan.tolerance.size_bytes:
        return True
    # What the verdict takes for native growth: by malloc's count, or by as much more of the process.
    most = LEAST_PROCESS_RISE_BYTES / RUNS_TO_BE_SURE
    return _pace(runs, _c_heap_bytes) > LEAST_PROCESS_BYTES or _pace(runs, _process_bytes) > most


def _pace(runs: Sequence[RunProfile], read: Callable[[Counters], int]) -> float:
    """Bytes a run over the second half of them: in the first the profiler's own tables and the arenas still grow."""
    levels = [read(counters) for counters in (runs[0].before, *(run.after for run in runs))][len(runs) // 2 :]
    return (levels[-1] - levels[0]) / (len(levels) - 1)


def _c_heap_bytes(counters: Counters) -> int:
    return counters.c_heap_used_bytes or 0


def _process_bytes(counters: Counters) -> int:
    return counters.rss_bytes - (counters.c_heap_free_bytes or 0)


def _run(call: Callable[[], object], number: int) -> None:
    try:
        with nothing_recorded():
            call()
    except Exception as error:
        error.add_note(f"in run {number} of the test, which no_leaks repeats")
        raise


@contextmanager
def nothing_recorded() -> Iterator[None]:
    """Let pytest forget what it records of the block: log records and warnings would look like a leak of the test."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, LogCaptureHandler)]
    marks = [(handler, len(handler.records), handler.stream, handler.stream.tell()) for handler in handlers]
    try:
        with warnings.catch_warnings(record=True):
            yield
    finally:
        for handler, records, stream, position in marks:
            del handler.records[records:]
            if handler.stream is stream:  # `caplog.clear` takes a new one
                stream.seek(position)
                stream.truncate()
