"""Run functions repeatedly as jobs, and report for each whether it grows, by how much, and on which lines."""

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

BASELINE_RUNS = 2  # without the profiler, to know how long a run takes by itself
EXACT_RUNS = 4
# only for functions whose run takes at most so long: with exact stacks a run may take 80 times as long
EXACT_RUN_S = 0.05
SAMPLE_BYTES = 1_024.0
"""The bytes per sample at the start: most checked jobs are small, and for larger ones the sampler coarsens by itself.

The value is set once, because a new session does not see what is freed of earlier allocations.
"""


def level_for(level: Level | None) -> tuple[Level, str | None]:
    """Return the level to check at, and why it is `lines` instead of `samples`, or None if it is not.

    Raises CannotCheck if samples were asked for and cannot be taken.
    """
    why = sampler.why_not_now()
    if level is Level.SAMPLES and why is not None:
        raise CannotCheck(f"level samples is not available: {why}; leave out --level, or use --level lines")
    if level is not None or why is None:
        return level or Level.SAMPLES, None
    return Level.LINES, f"runs were measured at level lines instead of samples, because {why}"


def check(
    targets: Sequence[Target], *, bounds: Bounds | None = None, level: Level | None = None, watch: Watch | None = None
) -> list[CheckResult]:
    """Run the targets in turns until each has a sure verdict, and return the results.

    Garbage is collected at both ends of each run, so that it counts as freed. Whatever any thread allocates while a
    target runs counts as the target's. Raises TargetFailed if a run fails.
    """
    watch = watch or Watch()
    chosen, why_lines = level_for(level)
    # it was on before the check: reading the traces of all imported modules takes half a second each time
    if tracing.is_on():
        tracing.forget()
    with _event_loop(watch) as loop:
        series = _Series(targets, bounds or Bounds(), watch, loop)
        checked = series.judged(chosen)
        if chosen is Level.LINES and any(map(_needs_stacks, checked)):
            # If the only exact frame is in a library, its callers are needed too.
            checked = series.judged(Level.STACKS)
        if chosen is Level.SAMPLES:
            checked = series.ranked(checked)
    return [replace(result, degraded=result.degraded or why_lines) for result in checked]


@contextmanager
def _event_loop(watch: Watch) -> Iterator[asyncio.Runner]:
    """Create an event loop for the block. Closing it waits for what is left in it, so that may hang or fail too."""
    runner = asyncio.Runner()
    try:
        yield runner
    finally:
        what = "the end of the event loop"
        with watch.watching(), watch.during(what, runner), failures_told(f"{what} failed"):
            runner.close()


class _Series:
    """Runs of several targets in turns."""

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
        """Run the targets at that level until each has a sure verdict, and return the results."""
        bounds = self._bounds
        profiler = Profiler(
            level=level, sample_bytes=SAMPLE_BYTES, collect=True, patience=bounds.patience, all_threads=True
        )
        trials = {target: Trial(profiler, target.name, bounds) for target in self._targets}
        took_s: dict[Target, list[float]] = {target: [] for target in self._targets}
        try:
            with self._watch.watching():  # the thread of the watch has ended when tracing is switched off
                # A target whose verdict is sure rests while the others go on.
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
        """Return the results; if one has several suspects and short runs, rank them by exact lines of further runs."""
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
        """Run the target once and return how many seconds that took. Raises TargetFailed."""
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
    """Return the standard error of the live bytes as a share of them, or None if they are exact or zero."""
    lines = run.best_lines
    if lines is None or lines.precision is None or lines.traced_bytes <= 0:
        return None
    return lines.precision.live_error_bytes / lines.traced_bytes
