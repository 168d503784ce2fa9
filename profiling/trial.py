"""Runs of one job in a process that does nothing else: how many runs are needed, and their verdict.

Here a run costs little and a wrong verdict costs much, so a job is watched longer than in a service: for up to 80 runs,
unless these take more than 20 seconds. A job that keeps nothing is done after half a second of CPU time, but not before
12 runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from profiling.profiler import Profiler
from profiling.records import State, Verdict
from profiling.verdict.patience import MIN_RUNS, Patience

SURE_RUNS = 80  # by then a cache that takes 60 runs to fill has been full for long
QUICK_S = 20.0  # how long a trial may go on to reach these runs
USUAL_RUNS = 40  # runs that are enough after that time
KEEPING_RUNS = 40  # runs for a job that holds memory of several runs, but does not seem to grow
QUICK_LOOK_S = 0.5  # CPU time in which every job may run so often, because some jobs leak only in every tenth run
MAX_WAIT_TIMES = 4  # times QUICK_LOOK_S on the wall clock, for jobs that wait, or share the machine
MAX_RUNS = 100
MAX_SECONDS = 60.0
MIN_PACE_BYTES = 2_048.0  # per run


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long a trial may take."""

    runs: int | None = None  # the exact number; None: until the verdict is sure
    max_runs: int = MAX_RUNS
    max_seconds: float = MAX_SECONDS
    first_runs: int = MIN_RUNS  # after these a job that keeps nothing is done
    quick_look_s: float = QUICK_LOOK_S  # CPU time in which it may go on in any case, up to 40 runs
    min_pace_bytes: float = MIN_PACE_BYTES  # per run; slower growth is not a leak

    @property
    def patience(self) -> Patience:
        """Return how long the profiler of this trial watches a job before it is accused."""
        runs = SURE_RUNS if self.runs is None else MIN_RUNS
        return Patience(usual_runs=runs, slow_runs=runs, min_pace_bytes=self.min_pace_bytes)


@dataclass(slots=True)
class Trial:
    """The runs of one job. Call `goes_on` before each run, and `verdict` after the last."""

    profiler: Profiler
    job: str
    bounds: Bounds
    clock: Callable[[], float] = time.monotonic
    cpu_clock: Callable[[], float] = time.process_time
    runs: int = 0
    _began_s: float | None = field(default=None, init=False)
    _began_cpu_s: float = field(default=0.0, init=False)

    def goes_on(self) -> bool:
        """Return whether the job should run once more, and if so, count that run."""
        now_s = self.clock()
        if self._began_s is None:
            self._began_s, self._began_cpu_s = now_s, self.cpu_clock()
        goes_on = self._is_short_of(now_s - self._began_s)
        self.runs += goes_on
        return goes_on

    def _is_short_of(self, seconds: float) -> bool:
        bounds = self.bounds
        if bounds.runs is not None:
            return self.runs < bounds.runs
        if self.runs >= bounds.max_runs or seconds >= bounds.max_seconds:
            return False
        if self.runs < bounds.first_runs or self.runs % 2 or (self.runs < KEEPING_RUNS and self._is_quick(seconds)):
            return True
        judgement = self.profiler.judgement(self.job)
        state = judgement.verdict.state
        if state.is_accusation or (self.runs >= USUAL_RUNS and seconds >= QUICK_S):
            return False
        if (
            state is State.GROWING
            or judgement.suspected
            or (state is State.INSUFFICIENT_RUNS and judgement.keeps_something)
        ):
            return True
        return judgement.keeps_something and self.runs < KEEPING_RUNS

    def _is_quick(self, seconds: float) -> bool:
        """Return whether the runs have taken little time so far."""
        quick_s, cpu_s = self.bounds.quick_look_s, self.cpu_clock() - self._began_cpu_s
        return min(cpu_s, seconds) < quick_s and seconds < MAX_WAIT_TIMES * quick_s

    def verdict(self) -> Verdict:
        """Return the verdict; if time ran out, it is based on the runs so far. Raises UnknownJob if there are none."""
        verdict = self.profiler.verdict(self.job)
        if verdict.state is not State.GROWING:
            return verdict
        runs = min(self.runs, USUAL_RUNS if self.runs >= USUAL_RUNS else MIN_RUNS)
        short = Patience(usual_runs=runs, slow_runs=runs, min_pace_bytes=self.bounds.min_pace_bytes)
        return self.profiler.verdict(self.job, patience=short)
