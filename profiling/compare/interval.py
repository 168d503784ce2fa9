"""The change of the whole process over some seconds, whichever jobs run."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from profiling.compare.diff import GroupBy, PlacesOf, change_between
from profiling.errors import IntervalBroken
from profiling.process import usage
from profiling.records import Cost, Level, LineProfile, SiteTable, TimeDiff
from profiling.run import Shared, total_cost
from profiling.samples import sampler
from profiling.samples.estimates import LiveEstimate, estimate_live, lines_between
from profiling.stopwatch import OverheadTimer
from profiling.traces import tracing


@dataclass(frozen=True, slots=True)
class EndpointSnapshot:
    """The live memory at one end of the interval."""

    lines: LineProfile
    rss_bytes: int
    cost: Cost


async def diff_over(
    shared: Shared,
    seconds: float,
    places_of: PlacesOf,
    *,
    collect: bool,
    group_by: GroupBy,
    limit: int,
    wait: Callable[[float], Awaitable[object]],
) -> TimeDiff:
    """Return the change from now until `wait(seconds)` returns: exact if tracemalloc is on, else from samples."""
    async with _reader(shared) as read:
        began_s = time.perf_counter()
        with shared.jobs_at_work() as jobs:
            past = await _moment(read, collect=collect)
            await wait(seconds)
            now = await _moment(read, collect=collect)
        took_s = time.perf_counter() - began_s
    change = await asyncio.to_thread(
        change_between,
        now.lines,
        past.lines,
        now.rss_bytes - past.rss_bytes,
        places_of,
        group_by=group_by,
        limit=limit,
    )
    return TimeDiff(
        seconds=took_s,
        collected=collect,
        jobs=tuple(sorted(jobs)),
        usage=usage.memory_usage(shared.limit),
        change=change,
        cost=total_cost(past.cost, now.cost, ()),
    )


Read = Callable[[OverheadTimer], Awaitable[LineProfile]]


@asynccontextmanager
async def _reader(shared: Shared) -> AsyncIterator[Read]:
    if tracing.is_on():
        yield _Exact(shared).read
        return
    was_on = sampler.is_on()
    try:
        yield _Sampled(shared.sampling.ensure_session()).read
    finally:
        if not was_on:
            shared.sampling.close()


async def _moment(read: Read, *, collect: bool) -> EndpointSnapshot:
    timer = OverheadTimer()
    if collect:
        with timer.blocking():
            gc.collect()
    lines = await read(timer)
    return EndpointSnapshot(lines, usage.resident_and_virtual()[0], timer.cost())


class _Exact:
    """Reads exact lines from tracemalloc, as long as its session lasts."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._session = shared.tracing.ensure_session()

    async def read(self, timer: OverheadTimer) -> LineProfile:
        if not tracing.is_on() or self._shared.tracing.ensure_session() != self._session:
            raise IntervalBroken
        snapshot = await self._shared.reader(Level.LINES).read_async(self._session)
        timer.record_block(snapshot.cost.stall_s)
        return LineProfile(
            live=snapshot.table,
            retained=SiteTable.from_rows(()),
            traced_bytes=snapshot.program_bytes,
            traced_diff_bytes=0,
            traced_peak_bytes=None,
            profiler_bytes=snapshot.profiler_bytes,
            traces=snapshot.traces,
            session=snapshot.session,
        )


class _Sampled:
    """Reads estimates from the samples of all jobs, and of work outside jobs."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._since = sampler.mark()
        self._past: LiveEstimate | None = None

    async def read(self, timer: OverheadTimer) -> LineProfile:
        if sampler.current_session() != self._session:
            raise IntervalBroken
        with timer.blocking():
            now = estimate_live(sampler.snapshot(since=self._since))
            lines = lines_between(self._past or now, now, self._session)
        self._past = now
        return lines
