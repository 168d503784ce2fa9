"""The profiler, the sole owner of state: `run` measures runs, `history` keeps them, `compare` compares them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from profiling.accepted import job_of, level_of, sample_bytes_of
from profiling.adaptive import Adaptive
from profiling.compare.diff import GroupBy, compare
from profiling.compare.interval import diff_over
from profiling.errors import DiffInProgress, SamplerUnavailable
from profiling.forks import Turn
from profiling.histories import Histories
from profiling.history import History, RunStore, pair_to_compare
from profiling.judging import Judging
from profiling.keeping import Keeper
from profiling.live import LiveGroup, LiveOrder
from profiling.overview import Overview
from profiling.process import usage
from profiling.process.full_collections import BudgetedCollector
from profiling.process.holders import Holders
from profiling.records import (
    Level,
    LiveMemory,
    MemoryUsage,
    ProfilerStatistics,
    RunDiff,
    RunProfile,
    ScopeSummary,
    TimeDiff,
    Verdict,
)
from profiling.records.timeline import Span, Timeline
from profiling.run import Run, Shared
from profiling.samples import sampler
from profiling.samples.sampling import OUTSIDE_JOBS, Sampling
from profiling.scope import Scope, Scopes
from profiling.source import SourceReader, add_user_packages
from profiling.traces import tracing
from profiling.traces.reader import TraceReader
from profiling.traces.readers import TraceReaders
from profiling.verdict.judge import Judgement
from profiling.verdict.patience import Patience
from profiling.watcher import Watcher
from profiling.windows import WINDOW_S, Windows

if TYPE_CHECKING:
    from profiling.past.recorder import Past
    from profiling.records.stack_profile import StackProfile
    from profiling.serve import DebugServer
    from profiling.tallies import Tally

BUDGET_MB = 64.0  # memory that reading the traces may take for a moment

F = TypeVar("F", bound=Callable[..., Any])

_logger = logging.getLogger(__name__)


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
        window_s: Length of a window of a scope, and of what is allocated outside jobs, in seconds.
        state_dir: A folder in which the timeline outlives the process; by default it does not.

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
        state_dir: str | PathLike[str] | None = None,
    ) -> None:
        add_user_packages(*packages)
        self.level = level = level_of(level)
        self.history: RunStore = history if history is not None else History()
        self.source = SourceReader()
        self._ids = itertools.count(1)
        self._diffing = Turn()
        why = sampler.unavailable_reason()
        self._adaptive = Adaptive(Level.COUNTERS if why else Level.SAMPLES) if level is Level.ADAPTIVE else None
        if level.samples and why:
            _logger.warning("no samples are taken, so only the growth of the process can show a leak: %s", why)
        limit = usage.memory_limit(limit_mb)
        reader_of = TraceReaders(round(budget_mb * (1 << 20)), lambda: usage.memory_usage(limit).available_bytes).of
        self._shared = Shared(
            limit=limit,
            reader=reader_of if reader is None else lambda _: reader,
            sampling=Sampling(sample_bytes_of(sample_bytes)),
            arenas=arenas,
            keep=lambda run: self._keeper.keep(run),
            next_id=lambda: next(self._ids),
            overhead_bytes=lambda: self.overhead_bytes() - tracing.table_bytes(),
            collector=BudgetedCollector(is_bounded=not collect),
            all_threads=all_threads,
        )
        # If a run has the allocations of all threads, nothing is left for scopes and for what is outside jobs.
        is_watched = not all_threads and level is not Level.COUNTERS and not why
        self._scopes = Scopes(self._start_windows, is_on=is_watched, doubles=sample_bytes is None)
        self._windows = Windows(self._shared, window_s, self._scopes.labels) if is_watched else None
        self._histories = Histories(self.history, self._windows)
        self._judging = Judging(
            self._histories.runs,
            self._histories.terms,
            Holders(self._shared.collector, is_bounded=not collect),
            patience or Patience(),
            collects=collect,
        )
        self._overview = Overview(
            self._shared, self._scopes.labels, self._judging, self._owners, self.runs, self.source.places
        )
        self._watcher = Watcher(self.end_windows, window_s)
        self._keeper = Keeper(self._shared, self._windows, self._histories, self._judging, self._adaptive)
        self._state_dir = None if state_dir is None else Path(state_dir)

    def run(self, job: str, *, why_inexact: str | None = None) -> Run:
        """Return a context manager, `with` or `async with`, for one run of `job`; above a function, each call is a run.

        The `profile` of the run is there after the block. If `why_inexact` is given, the run has samples instead of
        exact lines at every level, and the profile gives this reason in `degraded`.
        """
        # Beside exact lines, samples separate overlapping jobs and tell what was alive at the peak.
        samples = self.level is Level.SAMPLES or (
            self.level is not Level.COUNTERS and sampler.unavailable_reason() is None
        )
        level, care = self.next_level(job_of(job)), self._judging.care(job)
        again = partial(self.run, job, why_inexact=why_inexact)
        return Run(job, level, self._shared, samples=samples, care=care, again=again, why_inexact=why_inexact)

    def on_run(self, listener: Callable[[RunProfile, Verdict | None], object]) -> None:
        """Call a function at the end of each run, where the run ends, with the run and the last verdict on its job.

        The function must be quick. If it raises, the error is logged, and the run goes on to its end.
        """
        self._keeper.listeners.append(listener)

    def scope(self, name: str) -> Scope:
        """Return a context manager, `with` or `async with`, for one call of a scope, such as `"GET /items/{id}"`.

        Memory that is allocated in the block, in its child tasks and in threads that it starts is attributed to the
        innermost scope or run. A block costs less than a microsecond. A profiler has at most 256 scopes; the calls of
        further ones are attributed to `(other)`, so do not put an id into a name.

        Examples:
            >>> profiler = Profiler()
            >>> with profiler.scope("GET /items/{id}"):
            ...     item = {"id": 1}
            >>> profiler.close()
        """
        return self._scopes.enter(name)

    @overload
    def watch(self, function: F, /) -> F: ...

    @overload
    def watch(self, name: str, /) -> Callable[[F], F]: ...

    def watch(self, function_or_name: F | str, /) -> F | Callable[[F], F]:
        """Decorate a function, plain, async or a generator, so that each of its calls is a call of a scope.

        Write `@profiler.watch` to name the scope after the function, or `@profiler.watch("name")`.
        """
        if isinstance(function_or_name, str):
            return partial(self._scopes.decorate, name=function_or_name)
        return self._scopes.decorate(function_or_name)

    def start_watching(self) -> None:
        """Watch scopes and what is allocated outside jobs, and record the timeline, from threads, until `close`.

        Each kind of server that the profiler is mounted in calls this. Without the extension or at level `counters`,
        only the timeline is recorded. Logs a warning if tracemalloc was on before sampling.
        """
        self._start_windows()
        self._recorder().start()

    def _recorder(self) -> Past:
        return self._keeper.recorder(self.usage, self._state_dir)

    def timeline(self, span: Span | str) -> Timeline:
        """Return the recorded memory and events of the last `10m`, `2h` or `7d`."""
        return self._recorder().timeline(Span(span))

    def tallies(self) -> Mapping[str, Tally]:
        """Return how many runs of each job have ended since the start, how long they took, and what they cost."""
        return self._keeper.tallies.copy()

    def _start_windows(self) -> None:
        if self._windows is None:
            return
        try:
            self._shared.sampling.ensure_session()
        except SamplerUnavailable as error:
            _logger.warning("scopes and what is allocated outside jobs are not watched: %s", error)
            return
        self._watcher.start()

    def end_windows(self) -> None:
        """End the windows, of scopes and of what is allocated outside jobs, whose time is over.

        The thread of `start_watching` calls this, and so does each end of a run. Raises SamplerUnavailable if
        tracemalloc was on before sampling.
        """
        if self._windows is not None:
            self._shared.sampling.ensure_session()
            self._shared.sampling.keep_within()
            self._keeper.turn(self._windows)

    def serve(self, address: str, *, token: str | None = None, open_to_all: bool | None = None) -> DebugServer:
        """Serve the debug routes in a thread, and return the server, which runs until its `close`.

        Args:
            address: `127.0.0.1:6061`, `[::1]:6061` or `unix:/run/profiler.sock`; port 0 means any free port.
            token: Required as `Authorization: Bearer <token>`.
            open_to_all: Whether reading needs no token; by default only at a loopback address and at a Unix socket.

        `profiling.serve.DebugServer` has more arguments. Raises OSError if the server cannot listen there.
        """
        from profiling.serve import DebugServer  # uses 3 MB, which programs without a server do not need

        return DebugServer(self, address, token=token, open_to_all=open_to_all)

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
        run, against = pair_to_compare(self._histories.of(job), job, run_id, against_id)
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
        if not self._diffing.take():
            raise DiffInProgress
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
            self._diffing.give_back()

    def verdict(self, job: str, *, patience: Patience | None = None) -> Verdict:
        """Return the verdict on the job's runs, with the lines of a leak. Raises UnknownJob.

        The first call after each run takes some milliseconds; in an event loop, use `verdicts`. If `patience` is given,
        the verdict is not remembered.
        """
        return self._judging.judgement(job, patience).verdict

    def judgement(self, job: str, *, patience: Patience | None = None) -> Judgement:
        """Return the job's verdict, and what would make the next verdict surer. Raises UnknownJob."""
        return self._judging.judgement(job, patience)

    async def verdicts(self, *jobs: str) -> dict[str, Verdict]:
        """Return the verdicts of these jobs, or of all jobs, without blocking the loop. Raises UnknownJob."""
        return await self._judging.verdicts([self.runs(job) for job in jobs] if jobs else self._histories.by_job())

    def runs(self, job: str) -> Sequence[RunProfile]:
        """Return the last runs of a job, or the last windows of `OUTSIDE_JOBS`, oldest first. Raises UnknownJob."""
        return self._histories.runs(job)

    def last_verdict(self, job: str) -> Verdict | None:
        """Return the job's last verdict, which may be some runs old, or None if there is no verdict yet."""
        return judgement.verdict if (judgement := self._judging.last(job)) else None

    def _owners(self) -> Sequence[str]:
        """Return the names of all scopes and jobs, and of what is outside both."""
        return sorted({*self._histories.jobs(), *self._scopes.labels, *((OUTSIDE_JOBS,) if self._windows else ())})

    def scopes(self) -> list[ScopeSummary]:
        """Return all scopes, jobs and other work, fastest growth first. Raises SamplerUnavailable."""
        return self._overview.scopes()

    def live(
        self,
        *,
        scope: str | None = None,
        group_by: LiveGroup = "line",
        order: LiveOrder = "live",
        limit: int = 20,
    ) -> LiveMemory:
        """Return the memory that is alive now, of the process or of one scope or job, by line, function, file or scope.

        The order `allocated` sorts by what was allocated so far, freed since or not. Reads source files, so call this
        in a thread. Raises SamplerUnavailable, UnknownScope or ValueError.
        """
        return self._overview.live(scope, group_by, order, limit)

    def stack_profile(self, *, all_frames: bool = False) -> StackProfile:
        """Return the live memory by stack, from the user's line on or with all frames. Raises SamplerUnavailable."""
        return self._overview.stack_profile(all_frames=all_frames)

    async def stack_profile_over(
        self,
        seconds: float,
        *,
        collect: bool = False,
        all_frames: bool = False,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> StackProfile:
        """Return how the live memory changes by stack from now until `wait(seconds)` returns, and what is allocated.

        Raises DiffInProgress, SamplerUnavailable, and IntervalBroken if sampling was stopped meanwhile.
        """
        if not self._diffing.take():
            raise DiffInProgress
        try:
            return await self._overview.stack_profile_over(seconds, wait, collect=collect, all_frames=all_frames)
        finally:
            self._diffing.give_back()

    def overhead_bytes(self) -> int:
        """Return the bytes that the profiler uses: tables of tracemalloc and the sampler, history, cases, volumes."""
        return self._keeper.overhead_bytes()

    def statistics(self) -> ProfilerStatistics:
        """Return what the profiler is doing, and the sizes of what it keeps."""
        return self._keeper.statistics(self.level, self.history)

    def close(self) -> None:
        """Switch tracing off if this profiler switched it on. Call this while no run and no worker thread is active."""
        self._watcher.close()
        self._keeper.close()
        self._shared.tracing.close()
        self._shared.sampling.close()
