"""What happens with a run, or a window, that has ended: it is kept, judged, and noted in the past."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from profiling.adaptive import Adaptive
from profiling.forks import ForkLock
from profiling.histories import Histories
from profiling.history import RunStore
from profiling.judging import Judging
from profiling.records import Level, MemoryUsage, ProfilerStatistics, RunProfile, Verdict
from profiling.run import Shared
from profiling.samples import sampler
from profiling.tallies import Tallies
from profiling.traces import tracing
from profiling.windows import Windows

if TYPE_CHECKING:
    from profiling.past.recorder import Past

Listener = Callable[[RunProfile, Verdict | None], object]

FORGOTTEN_EVERY = 64  # runs; then jobs that the history has dropped are forgotten

_logger = logging.getLogger(__name__)


class Keeper:
    """Keeps the runs and windows of one profiler.

    Args:
        shared: What all runs of the profiler share.
        windows: The windows of scopes and of what is outside jobs; None if nothing is watched.
        histories: Where runs and windows are kept.
        judging: The judge.
        adaptive: Decides on exact lines; None if the level is fixed.
    """

    def __init__(
        self,
        shared: Shared,
        windows: Windows | None,
        histories: Histories,
        judging: Judging,
        adaptive: Adaptive | None,
    ) -> None:
        self.finished = 0  # runs so far
        self.tallies = Tallies()
        self.past: Past | None = None  # its rings are only needed if a server, or a file, shows them
        self._shared = shared
        self._windows = windows
        self._histories = histories
        self._judging = judging
        self._adaptive = adaptive
        self.listeners: list[Listener] = []  # called at the end of each run
        self._making = ForkLock()
        self._lock = ForkLock()  # for the histories: runs end in the program's threads, windows in the watcher's

    def keep(self, run: RunProfile) -> None:
        """Keep a run that has ended, and end the windows whose time is over."""
        self._shared.sampling.keep_within()
        with self._lock:
            self._add(run)
        self.tallies.record_run(run)
        self._judging.learn(run)
        judgement = self._judging.last(run.job)
        verdict = judgement.verdict if judgement else None
        if self._adaptive is not None:
            self._adaptive.after_run(
                run, verdict, is_idle=lambda: not self._shared.active, stop=self._shared.tracing.close
            )
        if self.past is not None:
            self.past.record_run(run, verdict)
        if self._windows is not None:
            self._windows.record_run(run)
            self.turn(self._windows)
        for listener in self.listeners:
            self._call(listener, run, verdict)

    def _call(self, listener: Listener, run: RunProfile, verdict: Verdict | None) -> None:
        try:
            listener(run, verdict)
        except Exception:  # whatever it is, the job has nothing to do with it
            _logger.exception("a listener of the runs failed")

    def recorder(self, usage: Callable[[], MemoryUsage], state_dir: Path | None) -> Past:
        """Return the recorder of the past, made when it is needed for the first time."""
        from profiling.past.recorder import Past  # with its rings 0.4 MB, which programs without a server do not need

        with self._making:
            self.past = self.past or Past(usage, state_dir)
            return self.past

    def turn(self, windows: Windows) -> None:
        """End the windows whose time is over, and keep their profiles."""
        profiles = windows.turn(self._judging.last)
        # The time for judgements is limited, so the owner whose last judgement is the oldest comes first.
        for profile in sorted(profiles, key=lambda window: self._judging.cases.of(window.job).judged_after):
            with self._lock:
                windows.history.add(profile)
            self._judging.learn(profile)
            judgement = self._judging.last(profile.job)
            self._shared.sampling.suspect(profile.job, is_suspect=judgement is not None and judgement.keeps_something)
            if self.past is not None:
                self.past.record_run(profile, judgement.verdict if judgement else None)

    def overhead_bytes(self) -> int:
        """Return the bytes that the profiler uses: tables of tracemalloc and the sampler, and what is remembered."""
        remembered = self._histories, self._judging.cases, self._shared.sampling.volumes
        return tracing.table_bytes() + sampler.table_bytes() + sum(each.overhead_bytes() for each in remembered)

    def close(self) -> None:
        """Stop recording the past."""
        if self.past is not None:
            self.past.close()

    def statistics(self, level: Level, history: RunStore) -> ProfilerStatistics:
        """Return what the profiler of this level is doing, and the sizes of what it keeps."""
        adaptive = self._adaptive
        return ProfilerStatistics(
            level=level,
            tracing=tracing.is_on(),
            active_jobs=tuple(sorted(run.job for run in tuple(self._shared.active))),
            runs=self.finished,
            history_runs=len(history.runs()),
            history_bytes=history.overhead_bytes(),
            tracemalloc_bytes=tracing.table_bytes(),
            sampler=sampler.statistics() if sampler.is_on() else None,
            series_of=adaptive.series.job if adaptive and adaptive.series else None,
            lost_share=adaptive.lost_share if adaptive else None,
        )

    def _add(self, run: RunProfile) -> None:
        self.finished += 1
        # the history lists its jobs in order, which takes long for thousands of jobs
        if self.finished % FORGOTTEN_EVERY == 0:
            self._judging.cases.keep_only(set(self._histories.jobs()))
        if self._windows is not None and self._windows.leave_to_job(run.job):
            self._judging.cases.forget(run.job)
        self._histories.add_run(run)
