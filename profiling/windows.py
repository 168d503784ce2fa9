"""Memory that is allocated outside jobs, cut into windows of time, which take the place of runs.

A scope is a label that lasts. All work outside jobs has such a label, and its life is cut into windows of some seconds.
Each window has its own birth number and ends as a `RunProfile`. So the same evidence, verdict and forecast serve jobs
and scopes.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from profiling.cases import mapped_change, native_change
from profiling.history import History
from profiling.process.full_collections import count_full_collections
from profiling.records import Cost, Counters, Level, LineProfile, Outcome, RunProfile
from profiling.run import Shared
from profiling.samples import sampler
from profiling.samples.estimates import estimate_live, line_profile
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.stopwatch import OverheadTimer
from profiling.verdict.evidence import Unit
from profiling.verdict.judge import Judgement
from profiling.verdict.patience import Patience

WINDOW_S = 5.0
MAX_BYTES = 2 << 20  # for all windows that are remembered
PATIENCE = Patience(usual_runs=58, slow_runs=58, min_pace_bytes=1_024.0)
"""A scope is watched for five minutes; a cache that takes longer to fill is taken for a leak.

The slowest growth that is reported is 17 MB per day.
"""


@dataclass(slots=True)
class Window:
    """The current window."""

    session: int  # number of the session of sampling
    began_s: float
    started_at: datetime
    before: Counters
    is_emptied: bool  # whether the free lists were empty when it began
    is_collected: bool  # whether there was no garbage when it began
    native_in_runs_bytes: float = 0.0
    mapped_in_runs_bytes: float = 0.0


class Windows:
    """The windows of what is allocated outside jobs, one after the other."""

    def __init__(self, shared: Shared, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not window_s >= 0:
            raise ValueError(f"window_s is {window_s!r}; it must be a number of seconds, 0 or more")
        self.unit = Unit("window", f"windows of {window_s:g} s")
        self._shared = shared
        self._window_s = window_s
        self._clock = clock
        self._window: Window | None = None
        self._ids = itertools.count(1)
        self.history = History(max_bytes=MAX_BYTES)

    def record_run(self, run: RunProfile) -> None:
        """Subtract what a run did to the C heap and to directly mapped memory, if no other job ran at the time."""
        if self._window is not None and not run.overlapped_with:
            self._window.native_in_runs_bytes += native_change(run) or 0.0
            self._window.mapped_in_runs_bytes += mapped_change(run) or 0.0

    def turn(self, judgement: Judgement | None) -> RunProfile | None:
        """End the window if its time is over, and return its profile; the next window begins at once.

        Between two windows, garbage is collected or free lists are emptied if that makes the next `judgement` surer.
        """
        sampling, now_s = self._shared.sampling, self._clock()
        window, label = self._window, sampling.outside
        if label is None or sampler.current_session() is None:  # nobody samples, or another profiler does
            self._window = None
            return None
        session = sampling.ensure_session()
        if window is not None and window.session == session and now_s - window.began_s < self._window_s:
            return None
        timer = OverheadTimer()
        with timer.blocking():
            following, birth = self._begin(session, now_s, judgement), label.birth
            sampler.let_go()
            lines = line_profile(estimate_live(sampler.snapshot(OUTSIDE_JOBS, birth=birth)), None, session)
            label.birth = sampler.next_birth()
        self._window = following
        if window is None or window.session != session:
            return None
        return self._profile(window, following, birth, lines, timer.cost())

    def _begin(self, session: int, now_s: float, judgement: Judgement | None) -> Window:
        full_collections, collector = count_full_collections(), self._shared.collector
        collects = judgement is not None and (judgement.wants_collection or judgement.wants_collected_runs)
        is_collected = collects and collector.collect()
        is_emptied = is_collected or (judgement is not None and judgement.suspected and collector.empty_free_lists())
        return Window(
            session=session,
            began_s=now_s,
            started_at=datetime.now(UTC),
            before=replace(self._shared.counters(), full_collections=full_collections),
            is_emptied=is_emptied,
            is_collected=is_collected,
        )

    def _profile(self, window: Window, following: Window, birth: int, lines: LineProfile, cost: Cost) -> RunProfile:
        return RunProfile(
            id=next(self._ids),
            job=OUTSIDE_JOBS,
            level=Level.SAMPLES,
            outcome=Outcome.COMPLETED,
            started_at=window.started_at,
            duration_s=following.began_s - window.began_s,
            before=window.before,
            after=following.before,
            limit=self._shared.limit,
            peak_rss_bytes=None,
            lines=None,
            samples=lines,
            birth=birth,
            overlapped_with=(),
            closed=window.is_emptied and following.is_emptied,
            collected=window.is_collected and following.is_collected,
            collected_after=following.is_collected,
            native_in_runs_bytes=window.native_in_runs_bytes,
            mapped_in_runs_bytes=window.mapped_in_runs_bytes,
            degraded=None,
            cost=cost,
        )
