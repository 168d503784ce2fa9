"""Decide which runs are traced exactly: a few runs of a job whose verdict asks for exact lines, within a time budget.

Samples and counters are taken in every run. Tracing exact lines slows down the whole process by a multiple, and it also
stays on between the runs of a series, because only runs of one session can be compared. So the budget is charged with
the share of the time that tracing cost, which is computed from the measured slowdown of the traced runs.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from profiling.records import Level, RunProfile, State, Verdict
from profiling.source import is_user_code
from profiling.verdict.statistics import median

MAX_TRACING_SHARE = 0.05  # highest share of the time since the start that may be lost to tracing
SERIES_RUNS = 3
AGAIN_AFTER_RUNS = 50  # completed runs of a job before another series, as long as its verdict does not change
FIRST_SLOWDOWN = 6.0  # assumed factor until one is measured
MAX_JOBS = 256  # jobs whose activity is remembered
BASELINE_RUNS = 5  # a traced run is compared with the median duration of this many
IDLE_IN = {"_worker", "wait", "_wait_for_tstate_lock", "select", "poll", "accept", "get", "read", "recv"}
"""Functions in which a thread waits for work: in `read`, for example, a worker of pytest-xdist waits for orders."""


@dataclass(slots=True)
class JobActivity:
    """What is known about the runs of one job."""

    baseline_s: deque[float] = field(default_factory=lambda: deque(maxlen=BASELINE_RUNS))  # durations without tracing
    ended_s: float | None = None  # when its last run ended
    interval_s: float = 0.0  # from the end of a run to the end of the next
    runs_since_series: int = AGAIN_AFTER_RUNS
    last_level: Level | None = None  # the level of its last series


@dataclass(slots=True)
class TracingSeries:
    """A series of consecutive runs of one job with exact lines."""

    job: str
    level: Level
    left: int
    began_s: float


class Adaptive:
    """Decides the level of each run; at most a `share` of the time may be lost to tracing."""

    def __init__(
        self, base: Level, *, share: float = MAX_TRACING_SHARE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._base = base
        self._share = share
        self._clock = clock
        self._started_s = clock()
        self._lost_s = 0.0
        self._slowdown = FIRST_SLOWDOWN
        self._seen: dict[str, JobActivity] = {}
        self.series: TracingSeries | None = None

    def level(self, job: str) -> Level:
        """Return the level of the job's next run."""
        if self.series is not None and self.series.job == job and self.series.left > 0:
            return self.series.level
        return self._base

    @property
    def lost_share(self) -> float:
        """Return the share of the time since the start that was lost to tracing."""
        return self._lost_so_far_s() / max(self._clock() - self._started_s, 1e-9)

    @property
    def is_over(self) -> bool:
        """Return whether the series has used up its runs or its time, so that tracing should be switched off soon."""
        if self.series is None:
            return False
        return self.series.left <= 0 or self.lost_share > self._share

    def record_run(self, run: RunProfile) -> None:
        """Update what is known about a job with a run that has ended."""
        seen, now_s = self._of(run.job), self._clock()
        if seen.ended_s is not None:
            seen.interval_s = now_s - seen.ended_s
        seen.ended_s = now_s
        seen.runs_since_series += 1
        if self.series is None:
            seen.baseline_s.append(run.duration_s)
        elif run.job == self.series.job:
            self.series.left -= 1
            if run.lines is not None and seen.baseline_s:
                self._slowdown = max(1.0, run.duration_s / max(median(seen.baseline_s), 1e-9))

    def maybe_start_series(self, job: str, verdict: Verdict) -> None:
        """Begin a series of traced runs if the verdict calls for exact lines and the time budget allows it."""
        if self.series is not None or verdict.state is not State.LEAKING:
            return
        seen = self._of(job)
        level = _level_that_helps(seen, verdict)
        if level is not None and self._is_affordable(seen):
            seen.last_level = level
            seen.runs_since_series = 0
            self.series = TracingSeries(job, level, SERIES_RUNS, self._clock())

    def after_run(
        self, run: RunProfile, verdict: Verdict | None, *, is_idle: Callable[[], bool], stop: Callable[[], None]
    ) -> None:
        """Begin a series of exact runs if the verdict calls for one, and stop tracing when its end is due and safe."""
        self.record_run(run)
        if verdict is not None:
            self.maybe_start_series(run.job, verdict)
        if self.is_over and is_idle() and is_quiet():
            stop()
            self.end_series()

    def end_series(self) -> None:
        """End the series, because tracing has been switched off."""
        self._lost_s = self._lost_so_far_s()
        self.series = None

    def _lost_so_far_s(self) -> float:
        if self.series is None:
            return self._lost_s
        return self._lost_s + self._lost_of(self._clock() - self.series.began_s)

    def _lost_of(self, traced_s: float) -> float:
        return traced_s * (1 - 1 / self._slowdown)

    def _of(self, job: str) -> JobActivity:
        if job not in self._seen and len(self._seen) >= MAX_JOBS:
            del self._seen[next(iter(self._seen))]
        return self._seen.setdefault(job, JobActivity())

    def _is_affordable(self, seen: JobActivity) -> bool:
        expected_s = self._lost_of(SERIES_RUNS * seen.interval_s)
        return self._lost_s + expected_s <= self._share * (self._clock() - self._started_s)


def _level_that_helps(seen: JobActivity, verdict: Verdict) -> Level | None:
    """Return the level of the next series, or None if no series is due.

    The level is `stacks` if the last series had exact lines and the line that it found is not in the user's code.
    """
    in_library = bool(verdict.suspects) and not is_user_code(verdict.suspects[0].site[0])
    if in_library and seen.last_level is Level.LINES:
        return Level.STACKS
    return Level.LINES if seen.runs_since_series >= AGAIN_AFTER_RUNS else None


def is_quiet() -> bool:
    """Return whether no other thread is running code."""
    here = threading.get_ident()
    return all(
        frame.f_code.co_name in IDLE_IN
        for thread, frame in sys._current_frames().items()  # noqa: SLF001 - documented, for such purposes
        if thread != here
    )
