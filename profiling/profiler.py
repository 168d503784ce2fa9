"""The profiler: sole owner of state. Runs are measured in `run`, kept in `history`, compared in `diff`."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from profiling.accepted import job_of, level_of, sample_bytes_of
from profiling.adaptive import Adaptive, is_quiet
from profiling.cases import Case, Cases, evidence_of
from profiling.compare.diff import GroupBy, compare
from profiling.compare.interval import diff_over
from profiling.errors import DiffInProgress, UnknownJob
from profiling.history import History, RunStore, pair_to_compare
from profiling.process import usage
from profiling.process.full_collections import MAX_FREEZE_S, BudgetedCollector, count_full_collections
from profiling.process.holders import Holders
from profiling.records import Level, MemoryUsage, ProfilerStatistics, RunDiff, RunProfile, SiteKey, TimeDiff, Verdict
from profiling.run import Care, Run, Shared
from profiling.samples import sampler
from profiling.samples.estimates import largest_stacks, lines_by_birth
from profiling.samples.sampling import OUTSIDE_JOBS, Sampling
from profiling.source import SourceReader, add_user_packages, innermost_user_frame
from profiling.stopwatch import Budget
from profiling.traces import tracing
from profiling.traces.aggregation import SiteOf, innermost
from profiling.traces.reader import MemoryBudget, TraceReader
from profiling.verdict.evidence import RUN
from profiling.verdict.judge import Judgement, judge
from profiling.verdict.patience import Patience
from profiling.verdict.suspects import with_stacks
from profiling.windows import PATIENCE, WINDOW_S, Windows

BUDGET_MB = 64.0  # for a moment, while traces are read
COLLECTED_EVERY = 8  # runs of each job, at most, on behalf of those under suspicion
FORGOTTEN_EVERY = 64  # runs, jobs that the history has forgotten
TRIAL_COLLECTED_EVERY = 2  # runs, if garbage is collected in any case
MAX_JUDGING_SHARE = 0.005  # of the time, if nobody asks for a verdict

_logger = logging.getLogger(__name__)


def site_of_level(level: Level) -> SiteOf:
    """Return how a trace of that level finds its site: the innermost frame, or for stacks the user's own."""
    return innermost_user_frame if level is Level.STACKS else innermost


class Profiler:
    """Watch runs of jobs, one `run(job)` around each, and keep what was seen in `history`.

    By default (`adaptive`) samples are taken always, and exact lines for a few runs of a job that leaks. Without the
    extension that takes samples only the counters are left; a warning in the log says so.

    Tracing, at level `lines`, goes on with the first run and stays on until `close`, because a comparison needs both
    runs in one stretch of tracing; so it is with sampling. One sample is taken every `sample_bytes` or, without that
    figure, every 4 KB to 512 KB, as fine as 1 % of the CPU time allows.
    `limit_mb` overrules the container's own limit. With `arenas` a run begins and ends with a look into pymalloc's
    arenas, which takes 20 ms each and tells memory that Python holds free from memory that a library keeps. Traces are
    not read if that would take more than `budget_mb`, or than is left to the limit: the run is then `degraded`.
    With `collect` every run is closed, and all garbage is collected after every other, as a test would do.
    Lines of `packages` are the user's own even if they are installed, as a service is in its container.

    Examples:
        >>> profiler = Profiler(level=Level.LINES)
        >>> with profiler.run("prices") as run:
        ...     kept = [bytes(1000) for _ in range(100)]
        >>> run.profile.lines.retained.size_bytes > 100_000
        True
        >>> profiler.close()
    """

    def __init__(
        self,
        *,
        level: Level | str = Level.ADAPTIVE,
        limit_mb: float | None = None,
        history: RunStore | None = None,
        reader: TraceReader | None = None,
        sample_bytes: float | None = None,
        arenas: bool = False,
        budget_mb: float = BUDGET_MB,
        packages: Sequence[str] = (),
        collect: bool = False,
        patience: Patience | None = None,
        all_threads: bool = False,
        window_s: float = WINDOW_S,
    ) -> None:
        add_user_packages(*packages)
        self.level = level = level_of(level)
        self.history: RunStore = history if history is not None else History()
        self.source = SourceReader()
        self._ids = itertools.count(1)
        self._finished = 0
        self._collected_at = 0  # how many runs had finished at the last full collection of ours
        self._readers: dict[Level, TraceReader] = {}
        self._given_reader = reader
        self._cases = Cases()
        self._patience = patience or Patience()
        self._for_judging = Budget(MAX_JUDGING_SHARE)
        self._collects = collect
        self._budget_bytes = round(budget_mb * (1 << 20))
        self._is_diffing = False
        self._adaptive = Adaptive(_base_level()) if level is Level.ADAPTIVE else None
        if level.samples and (why := sampler.unavailable_reason()) is not None:
            _logger.warning("no samples are taken, so leaks are told by the growth of the process alone: %s", why)
        self._shared = Shared(
            limit=usage.memory_limit(limit_mb),
            reader=self._reader,
            sampling=Sampling(sample_bytes_of(sample_bytes)),
            arenas=arenas,
            keep=self._keep,
            next_id=lambda: next(self._ids),
            overhead_bytes=lambda: sampler.table_bytes() + self.history.overhead_bytes(),
            collector=BudgetedCollector(is_bounded=not collect),
            all_threads=all_threads,
        )
        self._holders = Holders(self._shared.collector, is_bounded=not collect)
        # If all threads are the job's, nothing is outside jobs.
        self._windows = None if all_threads else Windows(self._shared, window_s)
        self.window_s = window_s

    def run(self, job: str, *, why_inexact: str | None = None) -> Run:
        """Return a context manager, `with` or `async with`, around one run of `job`; its `profile` is there afterwards.

        Above a function, as `@profiler.run(job)`, each call is a run.
        With `why_inexact` the run has no exact lines, at whatever level: samples stand in for them, and that is
        the reason that the profile gives in `degraded`.
        """
        # Beside exact lines they tell jobs apart that overlap, and what was alive at the peak.
        samples = self.level is Level.SAMPLES or (
            self.level is not Level.COUNTERS and sampler.unavailable_reason() is None
        )
        level, care = self.next_level(job_of(job)), self._care(job)
        again = partial(self.run, job, why_inexact=why_inexact)
        return Run(job, level, self._shared, samples=samples, care=care, again=again, why_inexact=why_inexact)

    def watch(self) -> None:
        """Watch what is allocated outside jobs, from the first call on; to be called every `window_s` seconds.

        After each run this is done anyway, and by `profiling.web.mount` while the application runs. Does nothing at
        levels without samples, and without the extension. Raises SamplerUnavailable if tracemalloc was there before us.
        """
        if self._windows is not None and self.level.samples and sampler.unavailable_reason() is None:
            self._shared.sampling.ensure_session()
            self._shared.sampling.keep_within()
            self._turn(self._windows)

    def next_level(self, job: str) -> Level:
        """Return the level that the job's next run will have."""
        return self._adaptive.level(job) if self._adaptive else self.level

    def usage(self) -> MemoryUsage:
        """Return what the process uses now, against its limit."""
        return usage.memory_usage(self._shared.limit)

    def diff(
        self,
        job: str,
        *,
        run_id: int | None = None,
        against_id: int | None = None,
        group_by: GroupBy = "line",
        limit: int = 20,
    ) -> RunDiff:
        """Compare a job's latest run with lines to the run with lines before it, or the two runs that are asked for.

        Reads source files: call it in a thread. Raises UnknownJob, UnknownRun, NotEnoughRuns or NotComparable.
        """
        run, against = pair_to_compare(self._store(job), job, run_id, against_id)
        return compare(run, against, self.source.places, group_by=group_by, limit=limit)

    async def diff_over(
        self,
        seconds: float,
        *,
        collect: bool = False,
        group_by: GroupBy = "line",
        limit: int = 20,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> TimeDiff:
        """Return what changes in the process from now until `wait(seconds)` is over, whatever runs.

        With `collect`, garbage does not count. If tracemalloc is on, the change is exact, else by samples. Raises:

        - DiffInProgress;
        - SamplerUnavailable if neither tracemalloc nor the sampler can be had;
        - IntervalBroken if tracing or sampling was stopped meanwhile;
        - what reading the traces raises.
        """
        if self._is_diffing:
            raise DiffInProgress
        self._is_diffing = True
        try:
            return await diff_over(
                self._shared,
                seconds,
                self.source.places,
                collect=collect,
                group_by=group_by,
                limit=limit,
                wait=wait,
            )
        finally:
            self._is_diffing = False

    def verdict(self, job: str, *, patience: Patience | None = None) -> Verdict:
        """Return what the job's runs say together, with the lines of a leak. Raises UnknownJob.

        The call takes some milliseconds, once after each run; on a loop, use `verdicts`. A verdict with another
        `patience` than the profiler's is not remembered.
        """
        return self.judgement(job, patience=patience).verdict

    def judgement(self, job: str, *, patience: Patience | None = None) -> Judgement:
        """Return the job's verdict and what would make the next verdict surer. Raises UnknownJob."""
        runs = self.runs(job)
        if patience is not None:
            return self._judge(runs, self._cases.of(job), patience)
        if not self._is_judged(runs):
            self._note(runs, self._judge(runs, self._cases.of(job)))
        return self._noted(job)

    async def verdicts(self, *jobs: str) -> dict[str, Verdict]:
        """Return the verdicts of these jobs, or of all, without blocking the loop. Raises UnknownJob."""
        # The runs are taken here, where none is added meanwhile.
        asked = [self.runs(job) for job in jobs or self._jobs()]
        if new := [runs for runs in asked if not self._is_judged(runs)]:
            cases = [self._cases.of(runs[-1].job).copy() for runs in new]
            judged = await asyncio.to_thread(lambda: [self._judge(*of) for of in zip(new, cases, strict=True)])
            for runs, judgement in zip(new, judged, strict=True):
                self._note(runs, judgement)
        return {runs[-1].job: self._noted(runs[-1].job).verdict for runs in asked}

    def runs(self, job: str) -> Sequence[RunProfile]:
        """Return the last runs of a job, or the last windows of `OUTSIDE_JOBS`, oldest first. Raises UnknownJob."""
        return self._store(job).runs(job)

    def last_verdict(self, job: str) -> Verdict | None:
        """Return the job's last verdict, which may be some runs old, or None if there is no verdict yet."""
        case = self._cases.find(job)
        return case.verdict if case else None

    def _jobs(self) -> tuple[str, ...]:
        """Return whatever has runs or windows."""
        return self.history.jobs() + (self._windows.history.jobs() if self._windows else ())

    def _store(self, job: str) -> RunStore:
        """Return where the runs of a job are kept, or the windows of what is outside jobs."""
        windows = self._windows.history if self._windows else None
        return windows if windows is not None and job in windows.jobs() else self.history

    def _noted(self, job: str) -> Judgement:
        judgement = self._cases.of(job).judgement
        if judgement is None:
            raise UnknownJob(job, self._jobs())
        return judgement

    def _is_judged(self, runs: Sequence[RunProfile]) -> bool:
        return self._cases.of(runs[-1].job).judged_after >= runs[-1].id

    def _note(self, runs: Sequence[RunProfile], judgement: Judgement) -> None:
        case = self._cases.of(runs[-1].job)
        if not self._is_judged(runs):  # by another meanwhile
            case.judgement, case.judged_after = judgement, runs[-1].id

    def _judge(self, runs: Sequence[RunProfile], case: Case, patience: Patience | None = None) -> Judgement:
        job = runs[-1].job
        windows = self._windows if job == OUTSIDE_JOBS else None
        evidence = evidence_of(
            case,
            runs,
            lines_by_birth(sampler.births(job)) if sampler.is_on() else {},
            collections=count_full_collections(),
            patience=patience or (PATIENCE if windows else self._patience),
            unit=windows.unit if windows else RUN,
        )
        judgement = judge(evidence)
        if judgement.wants_bounds:
            is_urgent = judgement.verdict.accusation is not None
            judgement = judge(replace(evidence, reading=self._holders.read(job, evidence, is_urgent=is_urgent)))
        if judgement.verdict.suspects:
            stacks = self._stacks(job, [suspect.site for suspect in judgement.verdict.suspects])
            judgement = replace(judgement, verdict=with_stacks(judgement.verdict, stacks))
        return judgement

    def _stacks(self, job: str, sites: Sequence[SiteKey]) -> Mapping[SiteKey, tuple[SiteKey, ...]]:
        """Return for each site the frames by which most of its bytes came, as far as they are still known."""
        return largest_stacks(sampler.snapshot(job), sites) if sampler.is_on() else {}

    def overhead_bytes(self) -> int:
        """Return the bytes that the profiler keeps: the tables of tracemalloc and of the sampler, and the history."""
        return tracing.table_bytes() + sampler.table_bytes() + self.history.overhead_bytes()

    def statistics(self) -> ProfilerStatistics:
        """Return what the profiler is doing and what it keeps."""
        return ProfilerStatistics(
            level=self.level,
            tracing=tracing.is_on(),
            active_jobs=tuple(sorted(run.job for run in self._shared.active)),
            runs=self._finished,
            history_runs=len(self.history.runs()),
            history_bytes=self.history.overhead_bytes(),
            tracemalloc_bytes=tracing.table_bytes(),
            sampler=sampler.statistics() if sampler.is_on() else None,
            series_of=self._adaptive.series.job if self._adaptive and self._adaptive.series else None,
            lost_share=self._adaptive.lost_share if self._adaptive else None,
        )

    def close(self) -> None:
        """Switch tracing off, if this profiler switched it on. At a quiet point: no run, no worker thread at work."""
        self._shared.tracing.close()
        self._shared.sampling.close()

    def _keep(self, profile: RunProfile) -> None:
        self._finished += 1
        self._shared.sampling.keep_within()
        if profile.collected_after:
            self._collected_at = self._finished
        if self._finished % FORGOTTEN_EVERY == 0:  # the history lists its jobs in order, which takes long for thousands
            self._cases.keep_only(set(self._jobs()))
        self.history.add(profile)
        self._learn(profile)
        if self._adaptive is not None:
            self._adapt(self._adaptive, profile)
        if self._windows is not None:
            self._windows.record_run(profile)
            self._turn(self._windows)

    def _learn(self, profile: RunProfile) -> None:
        """Note a run or a window in its case, and judge if that is due."""
        case = self._cases.of(profile.job)
        case.record_run(profile)
        if case.is_due() and self._for_judging.is_left:
            runs = self.runs(profile.job)
            with self._for_judging.spend():
                self._note(runs, self._judge(runs, case))

    def _turn(self, windows: Windows) -> None:
        case = self._cases.find(OUTSIDE_JOBS)
        judgement = case.judgement if case else None
        if (profile := windows.turn(judgement)) is not None:
            windows.history.add(profile)
            if profile.collected_after:
                self._collected_at = self._finished
            self._learn(profile)
            self._shared.sampling.suspect_outside(is_suspect=judgement is not None and judgement.keeps_something)

    def _care(self, job: str) -> Care:
        """Return what is done for the job's next run, so that the next verdict can be surer."""
        case = self._cases.find(job)
        if self._collects:
            runs = case.runs + 1 if case else 1
            return Care(closes=True, collects_after=runs % TRIAL_COLLECTED_EVERY == 0)
        judgement = case.judgement if case else None
        if case is None or judgement is None:
            return Care()
        is_time = self._finished - self._collected_at >= COLLECTED_EVERY * len(self.history.jobs())
        # A long run is not closed: older garbage would have to wait for its end.
        closes = case.duration_s <= MAX_FREEZE_S and (judgement.suspected or judgement.wants_collected_runs)
        return Care(
            closes=closes,
            collects_after=judgement.wants_collection and is_time,
            is_suspect=judgement.keeps_something and judgement.verdict.accusation is None,
        )

    def _adapt(self, adaptive: Adaptive, run: RunProfile) -> None:
        """Begin a series of exact runs if one is asked for, and end it if that is safe."""
        adaptive.record_run(run)
        if (verdict := self.last_verdict(run.job)) is not None:
            adaptive.maybe_start_series(run.job, verdict)
        if adaptive.is_over and not self._shared.active and is_quiet():
            self._shared.tracing.close()
            adaptive.end_series()

    def _reader(self, level: Level) -> TraceReader:
        if self._given_reader is not None:
            return self._given_reader
        made = self._readers.get(level)
        if made is None:
            made = self._readers[level] = TraceReader(site_of=site_of_level(level), room=self._memory_budget)
        return made

    def _memory_budget(self) -> MemoryBudget:
        left_bytes = self.usage().available_bytes
        if left_bytes < self._budget_bytes:
            return MemoryBudget(left_bytes, "what is left to the memory limit")
        return MemoryBudget(self._budget_bytes, "the budget (PROFILING_BUDGET_MB)")


def _base_level() -> Level:
    return Level.SAMPLES if sampler.unavailable_reason() is None else Level.COUNTERS
