"""Run functions again and again as jobs, and say of each what it keeps, where, and whether it grows."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from profiling.check.calls import Caller
from profiling.check.failures import failures_told
from profiling.check.targets import Target
from profiling.check.watch import Watch
from profiling.errors import CannotCheck
from profiling.profiler import Profiler
from profiling.records import CheckResult, Cost, Level, RunProfile, SiteKey, State
from profiling.samples import sampler
from profiling.source import is_user_code
from profiling.traces import tracing
from profiling.trial import Bounds, Trial
from profiling.verdict.statistics import median
from profiling.verdict.suspects import with_exact_paces

BASELINE_RUNS = 2  # before profiling: what they take is what a run takes by itself
EXACT_RUNS = 4
EXACT_RUN_S = 0.05  # by itself, at most: with exact stacks a run may take 80 times as long
SAMPLE_BYTES = 1_024.0
"""One sample every so many: jobs that are checked are small, and where they are not the sampler takes fewer by itself.
From the start, because a series that begins anew does not see what is freed of before."""


def level_for(level: Level | None) -> tuple[Level, str | None]:
    """Return the level to check at, samples if they can be taken, else lines, and why samples cannot be taken.

    Raises CannotCheck for samples that cannot be taken.
    """
    why = sampler.why_not_now()
    if level is Level.SAMPLES and why is not None:
        raise CannotCheck(f"level samples cannot be had: {why}; leave --level out, or take lines")
    if level is not None or why is None:
        return level or Level.SAMPLES, None
    return Level.LINES, f"there are lines in place of samples, because {why}"


def check(
    targets: Sequence[Target], *, bounds: Bounds | None = None, level: Level | None = None, watch: Watch | None = None
) -> list[CheckResult]:
    """Run the targets in turns until it is known of each whether it leaks, and judge them.

    Garbage is collected at both ends of each run, so that it counts as freed. All that is allocated while a target runs
    is the target's, by whatever thread. Raises TargetFailed if a run fails.
    """
    watch = watch or Watch()
    chosen, why_lines = level_for(level)
    if tracing.is_on():  # since before us: what was imported takes half a second to read, each time
        tracing.forget()
    with _event_loop(watch) as loop:
        series = _Series(targets, bounds or Bounds(), watch, loop)
        checked = series.judged(chosen)
        if chosen is Level.LINES and any(map(_needs_stacks, checked)):
            # One frame of exact lines that is in a library needs its callers.
            checked = series.judged(Level.STACKS)
        if chosen is Level.SAMPLES:
            checked = series.ranked(checked)
    return [replace(result, degraded=result.degraded or why_lines) for result in checked]


@contextmanager
def _event_loop(watch: Watch) -> Iterator[asyncio.Runner]:
    """Make an event loop for the block. Its end waits for whatever is left in it, and may hang or fail as a run may."""
    runner = asyncio.Runner()
    try:
        yield runner
    finally:
        what = "the end of the event loop"
        with watch.watching(), watch.during(what, runner), failures_told(f"{what} failed"):
            runner.close()


class _Series:
    """Runs of some targets in turns."""

    def __init__(self, targets: Sequence[Target], bounds: Bounds, watch: Watch, loop: asyncio.Runner) -> None:
        self._targets = targets
        self._bounds = bounds
        self._watch = watch
        self._loop = loop
        self._callers = {target: Caller(target.site) for target in targets}
        with watch.watching():
            self._baseline_s = {
                target.name: min(self._timed(target, f"plain run {number}") for number in range(1, BASELINE_RUNS + 1))
                for target in targets
            }

    def judged(self, level: Level) -> list[CheckResult]:
        """Run the targets at that level until it is known of each whether it leaks, and judge them."""
        bounds = self._bounds
        profiler = Profiler(
            level=level, sample_bytes=SAMPLE_BYTES, collect=True, patience=bounds.patience, all_threads=True
        )
        trials = {target: Trial(profiler, target.name, bounds) for target in self._targets}
        took_s: dict[Target, list[float]] = {target: [] for target in self._targets}
        try:
            with self._watch.watching():  # its thread has ended when tracing is switched off
                # A target that is done rests while the others go on.
                while under_way := [target for target, trial in trials.items() if trial.goes_on()]:
                    for target in under_way:
                        with profiler.run(target.name):
                            took_s[target].append(self._timed(target, f"run {trials[target].runs}"))
            return [
                _judge(profiler, trial, _slowdown(took_s[target], self._baseline_s[target.name]))
                for target, trial in trials.items()
            ]
        finally:
            profiler.close()

    def ranked(self, checked: Sequence[CheckResult]) -> list[CheckResult]:
        """Return the results, with several suspects ranked by exact lines of further runs if these are short."""
        by_name = {target.name: target for target in self._targets}
        return [
            self._ranked(by_name[result.job], result)
            if len(result.verdict.suspects) > 1
            and result.verdict.state is State.LEAKING
            and self._baseline_s[result.job] <= EXACT_RUN_S
            else result
            for result in checked
        ]

    def _ranked(self, target: Target, result: CheckResult) -> CheckResult:
        profiler = Profiler(level=Level.STACKS, collect=True, all_threads=True)
        paces = defaultdict[SiteKey, float](float)
        try:
            with self._watch.watching():
                for number in range(1, EXACT_RUNS + 1):
                    with profiler.run(target.name) as run:
                        self._timed(target, f"exact run {number}")
                    if run.profile.lines is not None:
                        kept = run.profile.lines.retained
                        for site, size_bytes in zip(kept.keys, kept.sizes, strict=True):
                            paces[site] += size_bytes / EXACT_RUNS
        finally:
            profiler.close()
        return replace(result, verdict=with_exact_paces(result.verdict, paces))

    def _timed(self, target: Target, what: str) -> float:
        """Run the target once and return the run's seconds. Raises TargetFailed."""
        began_s = time.perf_counter()
        with self._watch.during(f"{what} of {target.name}", self._loop), failures_told(f"{target.name} failed"):
            self._callers[target].run_to_end(target.function, self._loop)
        return time.perf_counter() - began_s


def _needs_stacks(result: CheckResult) -> bool:
    return result.verdict.state is State.LEAKING and not (
        result.verdict.suspects and is_user_code(result.verdict.suspects[0].site[0])
    )


def _slowdown(took_s: Sequence[float], baseline_s: float) -> float | None:
    return median(took_s) / baseline_s if baseline_s > 1e-3 else None


def _judge(profiler: Profiler, trial: Trial, slowdown: float | None) -> CheckResult:
    runs = profiler.history.runs(trial.job)
    last = runs[-1]
    return CheckResult(
        job=trial.job,
        runs=trial.runs,
        level=profiler.level,
        verdict=trial.verdict(),
        usage=profiler.usage(),
        traced_bytes=last.best_lines.traced_bytes if last.best_lines else None,
        relative_error=_relative_error(last),
        allocator_free_bytes=last.after.c_heap_free_bytes,
        cost=Cost(
            duration_s=sum(run.cost.duration_s for run in runs),
            stall_s=max(run.cost.stall_s for run in runs),
            memory_bytes=max(run.cost.memory_bytes for run in runs),
        ),
        slowdown=slowdown,
        degraded=last.degraded,
    )


def _relative_error(run: RunProfile) -> float | None:
    """Return the standard error of the live bytes as a share of them, or None if they are exact or not above zero."""
    lines = run.best_lines
    if lines is None or lines.precision is None or lines.traced_bytes <= 0:
        return None
    return lines.precision.live_error_bytes / lines.traced_bytes
