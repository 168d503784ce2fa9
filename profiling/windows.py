"""The life of a scope, and of all work outside jobs, cut into windows of time, which take the place of runs.

A scope is a label that lasts. All work outside jobs has such a label too. Each window has its own birth number and ends
as a `RunProfile`. So the same evidence, verdict and forecast serve jobs and scopes. All windows begin and end at common
borders, so that one reading of the samples and one collection serve all of them.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from profiling.cases import mapped_change, native_change
from profiling.forks import Turn, renew_in_children
from profiling.history import History
from profiling.process.full_collections import count_full_collections
from profiling.records import Cost, Counters, Level, LineProfile, Outcome, RunProfile
from profiling.run import Shared
from profiling.samples import sampler
from profiling.samples.estimates import estimate_live_by_job, line_profile
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.stopwatch import OverheadTimer
from profiling.verdict.evidence import Unit
from profiling.verdict.judge import Judgement
from profiling.verdict.patience import Patience

WINDOW_S = 5.0
MIN_CALLS = 8  # calls of a scope; its window ends after WINDOW_S if there were so many
LONGEST = 12  # times WINDOW_S; then a window ends if there was any call or allocation in it
MAX_SHARE = 0.005  # highest share of a core's CPU time for borders; if they take more, windows become longer
MAX_BYTES = 1 << 20  # for all windows in the history
REMEMBERED = 128  # windows of each scope whose births are remembered, which are ten minutes at least
PATIENCE = Patience(usual_runs=58, slow_runs=58, min_pace_bytes=1_024.0, max_left_share=1 / 4)
"""A scope is watched for five minutes; a cache that takes longer to fill is taken for a leak.

The slowest growth that is reported is 17 MB per day. A leak is reported earlier only if it has taken a quarter of the
memory that was left, because many caches of routes take a tenth of it within a minute.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """A moment at which windows end and others begin."""

    session: int  # number of the session of sampling
    at_s: float
    at: datetime
    counters: Counters
    is_emptied: bool  # whether the free lists were emptied
    is_collected: bool  # whether all garbage was collected


@dataclass(frozen=True, slots=True)
class Window:
    """A window that has not ended, with what its label had counted when it began."""

    label: sampler.Label
    begin: Border
    calls: int
    active: int
    taken: int
    allocated_bytes: float

    @classmethod
    def open(cls, label: sampler.Label, begin: Border) -> Window:
        """Return a window of the label that begins at this border."""
        return cls(label, begin, label.calls, label.active, label.taken, label.allocated_bytes)

    def is_over(self, now_s: float, window_s: float) -> bool:
        """Return whether the window has lasted long enough, and has had enough calls, to be judged."""
        lasted_s, calls = now_s - self.begin.at_s, self.label.calls - self.calls
        if lasted_s < window_s:
            return False
        is_endless = self.label.job == OUTSIDE_JOBS or (self.active > 0 and self.label.active > 0)
        if is_endless or calls >= MIN_CALLS:
            return True
        return lasted_s >= LONGEST * window_s and (calls > 0 or self.label.taken > self.taken)


class Windows:
    """The windows of each scope and of what is allocated outside jobs, one after the other."""

    def __init__(
        self,
        shared: Shared,
        window_s: float,
        scopes: Mapping[str, sampler.Label],
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        if not window_s >= 0:
            raise ValueError(f"window_s is {window_s!r}; it must be a number of seconds, 0 or more")
        self.unit = Unit("window", f"windows of {window_s:g} s")
        self._shared = shared
        self._window_s = window_s
        self._scopes = scopes
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._border: Border | None = None
        self._next_s = 0.0  # there is no border before this time
        self._open: dict[str, Window] = {}
        self._jobs: set[str] = set()  # names of scopes that are also names of jobs
        self._drawing = Turn()  # of the thread that draws a border
        self._native_in_runs_bytes = self._mapped_in_runs_bytes = 0.0  # since the last border
        self._ids = itertools.count(1)
        self.history = History(max_bytes=MAX_BYTES)
        renew_in_children(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child, because a thread of the parent may have been at a border."""
        self._open.clear()
        self._border = None

    def record_run(self, run: RunProfile) -> None:
        """Subtract what a run did to the C heap and to directly mapped memory, if no other job ran at the time."""
        if not run.overlapped_with:
            self._native_in_runs_bytes += native_change(run) or 0.0
            self._mapped_in_runs_bytes += mapped_change(run) or 0.0

    def leave_to_job(self, job: str) -> bool:
        """Watch no scope that has the name of a job, because the job's runs tell more; return whether this is new."""
        if job not in self._scopes or job in self._jobs:
            return False
        self._jobs.add(job)
        self.history.forget(job)
        return True

    def turn(self, judgement_of: Callable[[str], Judgement | None]) -> Sequence[RunProfile]:
        """End the windows whose time is over, and return their profiles; the next windows begin at once.

        Between two windows, garbage is collected or free lists are emptied if that makes the next judgement surer. If
        another thread is doing this now, return nothing, and do not wait for it.
        """
        if not self._drawing.take():
            return []
        try:
            return self._turn(judgement_of)
        finally:
            self._drawing.give_back()

    def _turn(self, judgement_of: Callable[[str], Judgement | None]) -> Sequence[RunProfile]:
        sampling, now_s = self._shared.sampling, self._clock()
        if sampling.outside is None or sampler.current_session() is None:  # nobody samples, or another profiler does
            self._open.clear()
            self._border = None
            return []
        session = sampling.ensure_session()
        if self._border is not None and self._border.session == session and now_s < self._next_s:
            return []
        # Only CPU time counts: on a busy machine a border waits for others, which is no cost of the profiler.
        began_cpu_s = self._cpu_clock()
        profiles = self._cut(session, now_s, judgement_of)
        pause_s = (self._cpu_clock() - began_cpu_s) / MAX_SHARE
        self._next_s = now_s + max(self._window_s, min(pause_s, LONGEST * self._window_s))
        return profiles

    def _cut(self, session: int, now_s: float, judgement_of: Callable[[str], Judgement | None]) -> list[RunProfile]:
        """Make a border: end the windows that are over, and begin one for each label that has none."""
        timer = OverheadTimer()
        scopes = {name: label for name, label in tuple(self._scopes.items()) if name not in self._jobs}
        labels = {**scopes, OUTSIDE_JOBS: self._shared.sampling.outside}
        if self._border is None or self._border.session != session:
            self._open.clear()
        else:
            self._open = {name: window for name, window in self._open.items() if name in labels}
        over = {name: window for name, window in self._open.items() if window.is_over(now_s, self._window_s)}
        border = self._draw(session, now_s, [judgement for name in labels if (judgement := judgement_of(name))])
        sampler.find_arrays()  # NumPy may have been imported meanwhile
        self._shared.sampling.let_go(is_urgent=True)
        live = estimate_live_by_job(sampler.snapshot(births=[window.label.birth for window in over.values()]))
        profiles = []
        for name, label in labels.items():
            if label is None or (name in self._open and name not in over):
                continue
            birth, following = label.birth, Window.open(label, border)
            if (window := over.get(name)) is not None:  # no gap between the two windows, because other threads work on
                label.birth = sampler.next_birth()
                lines = line_profile(live(name), None, session)
                profiles.append(self._profile(name, birth, window, following, lines, timer.cost_of_block()))
                if name != OUTSIDE_JOBS:  # its rate is adjusted together with that of the process
                    self._shared.sampling.follow(name, label, following.taken - window.taken)
            self._open[name] = following
        self._border = border
        self._native_in_runs_bytes = self._mapped_in_runs_bytes = 0.0
        return profiles

    def _draw(self, session: int, now_s: float, judgements: Sequence[Judgement]) -> Border:
        full_collections, collector = count_full_collections(), self._shared.collector
        collects = any(judgement.wants_collection or judgement.wants_collected_runs for judgement in judgements)
        is_collected = collects and collector.collect()
        suspected = any(judgement.suspected for judgement in judgements)
        return Border(
            session=session,
            at_s=now_s,
            at=datetime.now(UTC),
            counters=replace(self._shared.counters(), full_collections=full_collections),
            is_emptied=is_collected or (suspected and collector.empty_free_lists()),
            is_collected=is_collected,
        )

    def _profile(
        self, name: str, birth: int, window: Window, following: Window, lines: LineProfile, cost: Cost
    ) -> RunProfile:
        begin, end, is_outside = window.begin, following.begin, name == OUTSIDE_JOBS
        return RunProfile(
            id=next(self._ids),
            job=name,
            level=Level.SAMPLES,
            outcome=Outcome.COMPLETED,
            started_at=begin.at,
            duration_s=end.at_s - begin.at_s,
            before=begin.counters,
            after=end.counters,
            limit=self._shared.limit,
            peak_rss_bytes=None,
            lines=None,
            samples=lines,
            birth=birth,
            # Growth outside of Python's heap cannot be attributed to one scope, so it counts for the process.
            overlapped_with=() if is_outside else (OUTSIDE_JOBS,),
            closed=begin.is_emptied and end.is_emptied,
            collected=begin.is_collected and end.is_collected,
            collected_after=end.is_collected,
            native_in_runs_bytes=self._native_in_runs_bytes if is_outside else 0.0,
            mapped_in_runs_bytes=self._mapped_in_runs_bytes if is_outside else 0.0,
            calls=following.calls - window.calls,
            allocated_bytes=following.allocated_bytes - window.allocated_bytes,
            degraded=None,
            cost=cost,
        )
