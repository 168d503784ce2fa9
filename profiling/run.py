"""One run of one job: what was alive before and after it, and what happened in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from profiling.decorated import decorated
from profiling.errors import ChildFailed, OverBudget, SamplerUnavailable
from profiling.process import composition, usage
from profiling.process.full_collections import BudgetedCollector, count_full_collections
from profiling.process.peaks import Peaks
from profiling.records import (
    Cost,
    Counters,
    Level,
    LineProfile,
    MemoryLimit,
    Outcome,
    RunProfile,
    Snapshot,
)
from profiling.samples import sampler
from profiling.samples.sampled_run import SampledRun
from profiling.samples.sampling import Sampling
from profiling.stopwatch import OverheadTimer
from profiling.traces.reader import TraceReader
from profiling.traces.tracing import Tracing

F = TypeVar("F", bound=Callable[..., Any])

MEASURING_FAILED = (ChildFailed, OverBudget, MemoryError)
"""Errors that a measurement may end with; they cost its own result only, and never the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """Measures that are taken in a run so that the next verdict on its job is surer."""

    closes: bool = False  # whether the run is closed; see docs/levels.md
    collects_after: bool = False  # whether all garbage is collected once at the end
    is_suspect: bool = False  # whether its samples may be finer


@dataclass(slots=True, kw_only=True)
class Shared:
    """What all runs of one profiler share."""

    limit: MemoryLimit
    reader: Callable[[Level], TraceReader]
    keep: Callable[[RunProfile], None]  # called once for each finished run
    next_id: Callable[[], int]
    overhead_bytes: Callable[[], int]  # returns the memory that the profiler itself uses
    tracing: Tracing = field(default_factory=Tracing)
    sampling: Sampling = field(default_factory=Sampling)
    peaks: Peaks = field(default_factory=Peaks)
    collector: BudgetedCollector = field(default_factory=BudgetedCollector)
    active: set[Run] = field(default_factory=set)
    onlookers: tuple[set[str], ...] = ()  # each is the set of jobs that have run since someone started looking
    all_threads: bool = False  # whether allocations by threads that do not know its context belong to the run too
    arenas: bool = False  # whether the counters include the free memory in pymalloc's arenas

    def counters(self) -> Counters:
        """Return the counters that are cheap to read now, and the free bytes in arenas if `arenas` is set."""
        counters, told = usage.counters(), sampler.statistics() if sampler.is_on() else None
        mapped_bytes = counters.mapped_bytes
        counters = replace(
            counters,
            overhead_bytes=self.overhead_bytes(),
            python_malloc_bytes=told.malloc_bytes if told else None,
            mapped_bytes=mapped_bytes - told.arenas_bytes if told and mapped_bytes is not None else None,
        )
        return replace(counters, arenas_free_bytes=composition.free_arenas_bytes()) if self.arenas else counters

    @contextmanager
    def jobs_at_work(self) -> Iterator[set[str]]:
        """Yield the set of jobs that are running; jobs that begin within the block are added to it."""
        jobs = {run.job for run in self.active}
        self.onlookers += (jobs,)
        try:
            yield jobs
        finally:
            self.onlookers = tuple(other for other in self.onlookers if other is not jobs)


class Run:
    """A context manager, `with` or `async with`, around one run; as a decorator, a new run around each call.

    A failed measurement never fails the job: the profile then says in `degraded` what is missing and why.
    """

    def __init__(
        self,
        job: str,
        level: Level,
        shared: Shared,
        *,
        samples: bool,
        care: Care,
        again: Callable[[], Run],
        why_inexact: str | None = None,
    ) -> None:
        self.job = job
        self.level = level
        self._samples_too = samples
        self._care = care
        self._again = again  # creates another run of the job
        self.overlapped_with: set[str] = set()
        self.at_once = 1
        self._shared = shared
        self._profile: RunProfile | None = None
        self._degraded = why_inexact if level.frames else None
        self._opening: Snapshot | None = None
        self._sampled: SampledRun | None = None

    @property
    def profile(self) -> RunProfile:
        """Return the profile. Raises RuntimeError before the run has ended."""
        if self._profile is None:
            raise RuntimeError(f"the run of {self.job!r} has not ended; read its profile after the `with` block")
        return self._profile

    @property
    def has_ended(self) -> bool:
        """Return whether the run has ended, so that `profile` can be read."""
        return self._profile is not None

    def __call__(self, function: F) -> F:
        """Return the function with a new run around each of its calls: plain, async, generator or async generator."""
        return decorated(function, self._again)

    def __enter__(self) -> Self:
        self._enter()
        self._begin_sampling()
        try:
            self._opening = self._read()
            self._start()
        except BaseException:
            self._give_up()
            raise
        return self

    # Both coroutines are created here: created by the user's `async with`, their memory would count for its line.

    def __aenter__(self) -> Coroutine[Any, Any, Self]:
        return self._begin_async()

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        return self._end_async(error)

    async def _begin_async(self) -> Self:
        self._enter()
        self._begin_sampling()
        try:
            self._opening = await self._read_async()
            self._start()
        except BaseException:
            self._give_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop(error)
        closing = None
        try:
            closing = self._read()
        finally:
            self._finish(closing)

    async def _end_async(self, error: BaseException | None) -> None:
        self._stop(error)
        closing = None
        try:
            closing = await self._read_async()
        finally:  # if cancelled here, the run is kept without its lines
            self._finish(closing)

    def _enter(self) -> None:
        self._timer = OverheadTimer()
        with self._timer.blocking():
            # Before anything is read, so that garbage of other jobs does not count as a change of this run.
            self._is_closed = self._shared.collector.begin(self, closes=self._care.closes)
        for other in self._shared.active:
            other.overlapped_with.add(self.job)
            self.overlapped_with.add(other.job)
        self._shared.active.add(self)
        alike = [run for run in self._shared.active if run.job == self.job]
        for run in alike:
            run.at_once = max(run.at_once, len(alike))
        for jobs in self._shared.onlookers:
            jobs.add(self.job)

    def _give_up(self) -> None:
        """Undo what `_enter` has done if the run cannot begin."""
        self._shared.active.discard(self)
        if self._is_closed:
            self._shared.collector.end(self)

    def _start(self) -> None:
        with self._timer.blocking():
            self._before = self._shared.counters()
            self._peak = self._shared.peaks.begin()
            self._open_samples()
        self._opening_cost = self._timer.cost()
        self._started_at = datetime.now(UTC)
        self._started_s = time.perf_counter()

    def _stop(self, error: BaseException | None) -> None:
        self._duration_s = time.perf_counter() - self._started_s
        self._outcome = _outcome(error)
        self._timer = OverheadTimer()
        with self._timer.blocking():
            self._shared.peaks.end(self._peak)
            # before our own collection, which leaves none of this run's garbage
            full_collections = count_full_collections()
            self._own_garbage_is_gone = self._is_closed and self._shared.collector.end(self)
            self._collected_after = self._care.collects_after and self._shared.collector.collect()
            self._after = replace(self._shared.counters(), full_collections=full_collections)
            self._samples = self._close_samples()

    def _begin_sampling(self) -> None:
        """Begin sampling before tracing, because the sampler cannot start after tracing."""
        if not self._samples_too:
            return
        try:
            self._shared.sampling.ensure_session()
        except SamplerUnavailable as error:
            self._samples_too = False
            if self.level.samples:  # at the exact levels samples are an extra
                self._degraded = f"no samples were taken: {error}"

    def _open_samples(self) -> None:
        if self._samples_too:
            self._sampled = SampledRun(
                self.job,
                self._shared.sampling,
                all_threads=self._shared.all_threads,
                is_suspect=self._care.is_suspect,
            )
            self._sampled.open()

    def _close_samples(self) -> LineProfile | None:
        if self._sampled is None:
            return None
        self._sampled.leave()
        lines = self._sampled.close()
        if lines is None and self.level.samples:
            self._degraded = "sampling was stopped during the run, which discarded its samples"
        return lines

    def _read(self) -> Snapshot | None:
        if not self._has_lines():
            return None
        try:
            return self._shared.reader(self.level).read(self._ensure_tracing())
        except MEASURING_FAILED as error:
            self._degraded = _why(error)
            return None

    async def _read_async(self) -> Snapshot | None:
        if not self._has_lines():
            return None
        try:
            return await self._shared.reader(self.level).read_async(self._ensure_tracing())
        except MEASURING_FAILED as error:
            self._degraded = _why(error)
            return None

    def _ensure_tracing(self) -> int:
        return self._shared.tracing.ensure_session(self.level.frames)

    def _has_lines(self) -> bool:
        return self.level.frames > 0 and self._degraded is None

    def _finish(self, closing: Snapshot | None) -> None:
        self._shared.active.discard(self)
        with self._timer.blocking():
            lines = self._lines(closing) if closing is not None else None
        if self._has_lines() and lines is None:
            self._degraded = "the run was cancelled while its traces were read"
        snapshots = [snapshot.cost for snapshot in (self._opening, closing) if snapshot is not None]
        self._profile = RunProfile(
            id=self._shared.next_id(),
            job=self.job,
            level=self.level,
            outcome=self._outcome,
            started_at=self._started_at,
            duration_s=self._duration_s,
            before=self._before,
            after=self._after,
            limit=self._shared.limit,
            peak_rss_bytes=self._peak.rss_bytes,
            lines=lines,
            samples=self._samples,
            birth=self._sampled.birth if self._sampled else None,
            allocated_bytes=self._sampled.allocated_bytes if self._sampled else None,
            overlapped_with=tuple(sorted(self.overlapped_with)),
            at_once=self.at_once,
            closed=self._is_closed,
            collected=self._own_garbage_is_gone,
            collected_after=self._collected_after,
            degraded=self._degraded or self._why_shared(lines),
            cost=total_cost(self._opening_cost, self._timer.cost(), snapshots),
        )
        self._shared.keep(self._profile)

    def _why_shared(self, lines: LineProfile | None) -> str | None:
        """Return why the exact lines are not the job's own, or None if they are or there are none."""
        if lines is None or not self.overlapped_with:
            return None
        others = " and ".join(filter(None, [", ".join(sorted(self.overlapped_with)[:-1]), max(self.overlapped_with)]))
        if self._samples is None:
            return f"the lines include memory that {others} kept, because the runs overlapped"
        return (
            f"estimates take the place of exact lines, which would include memory that {others} kept, "
            "because the runs overlapped"
        )

    def _lines(self, closing: Snapshot) -> LineProfile | None:
        opening = self._opening
        if opening is None or opening.session != closing.session:
            self._degraded = "tracing was switched off during the run, which discarded its traces"
            return None
        return LineProfile(
            live=closing.table,
            retained=closing.table.changed_since(opening.table),
            traced_bytes=closing.program_bytes,
            traced_diff_bytes=closing.program_bytes - opening.program_bytes,
            traced_peak_bytes=self._peak.traced_bytes,
            profiler_bytes=closing.profiler_bytes,
            traces=closing.traces,
            session=closing.session,
        )


def _outcome(error: BaseException | None) -> Outcome:
    if error is None or isinstance(error, GeneratorExit):  # a generator that the consumer stopped early
        return Outcome.COMPLETED
    return Outcome.CANCELLED if isinstance(error, asyncio.CancelledError) else Outcome.FAILED


def _why(error: BaseException) -> str:
    return str(error) or "there was not enough memory to read the traces"


def total_cost(opening: Cost, closing: Cost, snapshots: Iterable[Cost]) -> Cost:
    """Return the cost of both ends of a run: times are added; for stall and memory the highest part counts."""
    return Cost(
        duration_s=opening.duration_s + closing.duration_s,
        stall_s=max(cost.stall_s for cost in (opening, closing, *snapshots)),
        memory_bytes=max((cost.memory_bytes for cost in snapshots), default=0),
    )
