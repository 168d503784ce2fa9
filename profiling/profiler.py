"""The profiler, the sole owner of state: `run` measures runs, `history` keeps them, `compare` compares them."""

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

BUDGET_MB = 64.0  # memory that reading the traces may take for a moment
COLLECTED_EVERY = 8  # runs of a job at most, if jobs are under suspicion and a full collection would help
FORGOTTEN_EVERY = 64  # runs; then jobs that the history has dropped are forgotten
TRIAL_COLLECTED_EVERY = 2  # runs, if garbage is to be collected in any case
MAX_JUDGING_SHARE = 0.005  # highest share of the time for verdicts that nobody asks for

_logger = logging.getLogger(__name__)


def site_of_level(level: Level) -> SiteOf:
    """Return how a trace of that level finds its site: the innermost frame, or for stacks the innermost user frame."""
    return innermost_user_frame if level is Level.STACKS else innermost


class Profiler:
    """Measures runs of jobs, one `run(job)` around each, and keeps the results in `history`.

    Only runs of one session can be compared, so tracing and sampling stay on until `close`. If the C extension is
    missing, level `adaptive` measures only the counters and logs a warning.

    Args:
        level: How runs are measured. `adaptive` always samples, and traces a few runs of a job that leaks.
        limit_mb: The memory limit in MB of 2**20 bytes, in place of the container's limit.
        history: Where finished runs are kept; by default in memory.
        reader: What reads the traces, for tests.
        sample_bytes: Bytes per sample. By default 4 KB to 512 KB: as few as 1 % of the CPU time allows.
        arenas: Also measure the free memory in pymalloc's arenas at both ends of each run, which takes 20 ms each time.
        budget_mb: The most memory for reading traces. A run that would need more is `degraded`: it has no exact lines.
        packages: Installed packages whose lines count as the user's own, as for a service in its container.
        collect: Close every run, and collect all garbage after every other run, as in a test.
        patience: How long a job is watched before it is accused.
        all_threads: Attribute to a run also what threads outside its context allocate.
        window_s: Length of a window of what is allocated outside jobs, in seconds.

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
        self._collected_at = 0  # the number of finished runs at our last full collection
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
            _logger.warning("no samples are taken, so only the growth of the process can show a leak: %s", why)
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
        """Return a context manager, `with` or `async with`, for one run of `job`; above a function, each call is a run.

        The `profile` of the run is there after the block. If `why_inexact` is given, the run has samples instead of
        exact lines at every level, and the profile gives this reason in `degraded`.
        """
        # Beside exact lines, samples separate overlapping jobs and tell what was alive at the peak.
        samples = self.level is Level.SAMPLES or (
            self.level is not Level.COUNTERS and sampler.unavailable_reason() is None
        )
        level, care = self.next_level(job_of(job)), self._care(job)
        again = partial(self.run, job, why_inexact=why_inexact)
        return Run(job, level, self._shared, samples=samples, care=care, again=again, why_inexact=why_inexact)

    def watch(self) -> None:
        """Watch what is allocated outside jobs, from the first call on; call this every `window_s` seconds.

        Each end of a run calls this, and so does `profiling.web.mount` while the application runs. Does nothing without
        the extension or at levels without samples. Raises SamplerUnavailable if tracemalloc was on before sampling.
        """
        if self._windows is not None and self.level.samples and sampler.unavailable_reason() is None:
            self._shared.sampling.ensure_session()
            self._shared.sampling.keep_within()
            self._turn(self._windows)

    def next_level(self, job: str) -> Level:
        """Return the level that the job's next run will have."""
        return self._adaptive.level(job) if self._adaptive else self.level

    def usage(self) -> MemoryUsage:
        """Return what the process uses now, with its limit."""
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
        """Compare a job's latest run that has lines with the one before it, or compare the two given runs.

        Reads source files, so call this in a thread. Raises UnknownJob, UnknownRun, NotEnoughRuns or NotComparable.
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
        """Return what changes in the process from now until `wait(seconds)` returns, whichever jobs run.

        With `collect`, garbage does not count. The change is exact if tracemalloc is on, else estimated from samples.
        Raises DiffInProgress; SamplerUnavailable if neither can be used; IntervalBroken if tracing or sampling was
        stopped meanwhile; OverBudget or ChildFailed if the traces cannot be read.
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
        """Return the verdict on the job's runs, with the lines of a leak. Raises UnknownJob.

        The first call after each run takes some milliseconds; in an event loop, use `verdicts`. If `patience` is given,
        the verdict is not remembered.
        """
        return self.judgement(job, patience=patience).verdict

    def judgement(self, job: str, *, patience: Patience | None = None) -> Judgement:
        """Return the job's verdict, and what would make the next verdict surer. Raises UnknownJob."""
        runs = self.runs(job)
        if patience is not None:
            return self._judge(runs, self._cases.of(job), patience)
        if not self._is_judged(runs):
            self._note(runs, self._judge(runs, self._cases.of(job)))
        return self._noted(job)

    async def verdicts(self, *jobs: str) -> dict[str, Verdict]:
        """Return the verdicts of these jobs, or of all jobs, without blocking the loop. Raises UnknownJob."""
        # The runs are read here, in the loop's thread, in which no run is added meanwhile.
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
        """Return the names of all jobs with runs, and `OUTSIDE_JOBS` if it has windows."""
        return self.history.jobs() + (self._windows.history.jobs() if self._windows else ())

    def _store(self, job: str) -> RunStore:
        """Return the store of a job's runs, or of the windows of what is allocated outside jobs."""
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
        if not self._is_judged(runs):  # another thread has judged them meanwhile
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
        """Return for each site the frames through which most of its bytes were allocated, as far as these are known."""
        return largest_stacks(sampler.snapshot(job), sites) if sampler.is_on() else {}

    def overhead_bytes(self) -> int:
        """Return the bytes that the profiler uses: the tables of tracemalloc and of the sampler, and the history."""
        return tracing.table_bytes() + sampler.table_bytes() + self.history.overhead_bytes()

    def statistics(self) -> ProfilerStatistics:
        """Return what the profiler is doing, and the sizes of what it keeps."""
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
        """Switch tracing off if this profiler switched it on. Call this while no run and no worker thread is active."""
        self._shared.tracing.close()
        self._shared.sampling.close()

    def _keep(self, profile: RunProfile) -> None:
        self._finished += 1
        self._shared.sampling.keep_within()
        if profile.collected_after:
            self._collected_at = self._finished
        # the history lists its jobs in order, which takes long for thousands of jobs
        if self._finished % FORGOTTEN_EVERY == 0:
            self._cases.keep_only(set(self._jobs()))
        self.history.add(profile)
        self._learn(profile)
        if self._adaptive is not None:
            self._adapt(self._adaptive, profile)
        if self._windows is not None:
            self._windows.record_run(profile)
            self._turn(self._windows)

    def _learn(self, profile: RunProfile) -> None:
        """Note a run or a window in its case, and judge the case if that is due."""
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
        """Return what to do in the job's next run, so that the next verdict can be surer."""
        case = self._cases.find(job)
        if self._collects:
            runs = case.runs + 1 if case else 1
            return Care(closes=True, collects_after=runs % TRIAL_COLLECTED_EVERY == 0)
        judgement = case.judgement if case else None
        if case is None or judgement is None:
            return Care()
        is_time = self._finished - self._collected_at >= COLLECTED_EVERY * len(self.history.jobs())
        # A long run is not closed, because older garbage would have to wait for its end.
        closes = case.duration_s <= MAX_FREEZE_S and (judgement.suspected or judgement.wants_collected_runs)
        return Care(
            closes=closes,
            collects_after=judgement.wants_collection and is_time,
            is_suspect=judgement.keeps_something and judgement.verdict.accusation is None,
        )

    def _adapt(self, adaptive: Adaptive, run: RunProfile) -> None:
        """Begin a series of exact runs if the verdict calls for one, and end the series when that is safe."""
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
            return MemoryBudget(left_bytes, "the memory left below the limit")
        return MemoryBudget(self._budget_bytes, "the budget (PROFILING_BUDGET_MB)")


def _base_level() -> Level:
    return Level.SAMPLES if sampler.unavailable_reason() is None else Level.COUNTERS
