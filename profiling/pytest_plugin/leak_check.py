"""Repeat a call, and tell whether it keeps more memory with every run.

Few runs cannot tell a leak from a cache that fills up. So the requested runs can only clear a test. If they keep
memory, more runs follow, and the profiler's verdict over all of them decides.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from _pytest.logging import LogCaptureHandler  # the class alone is private; `caplog` hands out its instances

from profiling.profiler import Profiler
from profiling.pytest_plugin.marker_arguments import LeakPlan
from profiling.pytest_plugin.peak import JOB, SAMPLE_BYTES, close_when_quiet
from profiling.records import Level, State, Verdict
from profiling.samples import sampler
from profiling.source import is_user_code
from profiling.trial import Bounds, Trial

MAX_SECONDS = 30.0  # for all runs of one test
MAX_PACE_BYTES = 4_096.0  # bytes per run; growth above both this and the tolerance always counts


def find_leak(call: Callable[[], object], plan: LeakPlan, report: Callable[[Profiler], None]) -> Verdict | None:
    """Return the verdict if the call keeps more than the tolerance, else None.

    The caller has made the first run of the warm-up. If a run raises, the error ends the check, with a note of the
    run's number.

    Args:
        call: Runs the test.
        plan: How often the test is repeated, and what it may keep.
        report: Is called with the profiler that has measured the runs, once for each round of runs.
    """
    for number in range(2, plan.warmup + 1):
        _run(call, number)
    verdict = _judged(call, plan, Level.SAMPLES if sampler.unavailable_reason() is None else Level.LINES, report)
    if not _is_leak(verdict, plan):
        return None
    if verdict.state is State.LEAKING and not _begins_at_users(verdict) and sampler.unavailable_reason() is not None:
        # The line is in a library. Without samples its callers are only known at the slowest level.
        with_stacks = _judged(call, plan, Level.STACKS, report)
        return with_stacks if _is_leak(with_stacks, plan) else verdict
    return verdict


def _is_leak(verdict: Verdict, plan: LeakPlan) -> bool:
    return verdict.state.is_accusation and (verdict.bytes_per_run or 0.0) > plan.tolerance.size_bytes


def _begins_at_users(verdict: Verdict) -> bool:
    return bool(verdict.suspects) and is_user_code(verdict.suspects[0].site[0])


def _judged(call: Callable[[], object], plan: LeakPlan, level: Level, report: Callable[[Profiler], None]) -> Verdict:
    bounds = Bounds(
        first_runs=plan.runs,
        max_seconds=MAX_SECONDS,
        min_pace_bytes=min(MAX_PACE_BYTES, max(plan.tolerance.size_bytes, 256)),
    )
    profiler = Profiler(
        level=level,
        collect=True,
        sample_bytes=SAMPLE_BYTES,
        patience=bounds.patience,
        all_threads=True,
    )
    trial = Trial(profiler, JOB, bounds)
    try:
        while trial.goes_on():
            with profiler.run(JOB):
                _run(call, plan.warmup + trial.runs)
        verdict = trial.verdict()
        report(profiler)
        return verdict
    finally:
        close_when_quiet(profiler)


def _run(call: Callable[[], object], number: int) -> None:
    try:
        with nothing_recorded():
            call()
    except Exception as error:
        error.add_note(f"the error was raised in run {number} of the test, which no_leaks repeats")
        raise


@contextmanager
def nothing_recorded() -> Iterator[None]:
    """Remove what pytest records in the block, because log records and warnings would look like a leak of the test."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, LogCaptureHandler)]
    marks = [(handler, len(handler.records), handler.stream, handler.stream.tell()) for handler in handlers]
    try:
        with warnings.catch_warnings(record=True):
            yield
    finally:
        for handler, records, stream, position in marks:
            del handler.records[records:]
            if handler.stream is stream:  # `caplog.clear` replaces the stream
                stream.seek(position)
                stream.truncate()
