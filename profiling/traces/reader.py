"""Reads the raw traces of tracemalloc into a table by source line.

`tracemalloc.take_snapshot` builds Python objects for every trace, and `compare_to` does so again, which is too much
memory for a small container with a million traces. Here the raw list is counted once, in C, and dropped. A large heap
is counted in a forked child, so that only the fork blocks the loop.
"""

from __future__ import annotations

import _tracemalloc
import asyncio
import gc
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from profiling import child
from profiling.errors import OverBudget
from profiling.records import SiteKey, SiteTable, Snapshot
from profiling.source import PROFILER_FILES
from profiling.stopwatch import OverheadTimer
from profiling.traces import tracing
from profiling.traces.aggregation import (
    SiteOf,
    TotalsByLine,
    aggregate_traces,
    decode_table,
    encode_table,
    innermost,
    rows_of,
)
from profiling.units import to_mb

_get_traces: Callable[[], Any] | None = getattr(_tracemalloc, "_get_traces", None)  # private, so it may be missing

OWN_FILES = (PROFILER_FILES, tracemalloc.__file__)
"""The files in which the profiler itself allocates."""

FORK_ABOVE_TRACES = 50_000  # below this, a fork and its pipe take longer than counting here; see docs/performance.md
SLICE_TRACES = 5_000  # about 3 ms of counting
CHILD_TIMEOUT_S = 30.0
RAW_TRACE_BYTES = 170  # size of the raw list per live trace, measured


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """How much memory a measurement may take for a moment, including a child's."""

    size_bytes: int
    why: str  # what sets the limit, as in "but the budget (PROFILING_BUDGET_MB) is 64 MB"


class TraceReader:
    """Takes snapshots. Keeps one tuple for each line that it has seen, so that all tables share their keys."""

    def __init__(
        self,
        *,
        site_of: SiteOf = innermost,
        fork_above_traces: int = FORK_ABOVE_TRACES,
        room: Callable[[], MemoryBudget] | None = None,
    ) -> None:
        self._keys: dict[SiteKey, SiteKey] = {}
        self._site_of = site_of
        self._room = room
        self._fork_above_traces = fork_above_traces if child.available() else None

    def read(self, session: int) -> Snapshot:
        """Return the traced memory by line at this moment. Blocks the calling thread.

        Raises:
            OverBudget: Counting would take more memory than the budget allows.
            ChildFailed: The heap is large, and the child that counts it died or took too long.
        """
        self._check_room()
        timer = OverheadTimer()
        if self._forks():
            answer = child.run_in_child(self._counted_in_child, what="counting the traces", timeout_s=CHILD_TIMEOUT_S)
            return self._from_child(answer, timer, session)
        counting = _Counting(timer, self._site_of)
        for _ in counting.slices():
            pass
        return self._from_here(counting, timer, session)

    async def read_async(self, session: int) -> Snapshot:
        """Do what `read` does, but yield to the loop between slices, or while the child works."""
        self._check_room()
        timer = OverheadTimer()
        if self._forks():
            answer = await child.run_in_child_async(
                self._counted_in_child, what="counting the traces", timeout_s=CHILD_TIMEOUT_S
            )
            return self._from_child(answer, timer, session)
        counting = _Counting(timer, self._site_of)
        for _ in counting.slices():
            await asyncio.sleep(0)
        return self._from_here(counting, timer, session)

    def _counted_in_child(self) -> bytes:  # pragma: no cover - in the child
        return counted(self._site_of)

    def _check_room(self) -> None:
        if self._room is None:
            return
        room, needed_bytes = self._room(), tracing.estimated_traces() * RAW_TRACE_BYTES
        if needed_bytes > room.size_bytes:
            raise OverBudget("reading the traces", to_mb(needed_bytes), to_mb(room.size_bytes), room.why)

    def _forks(self) -> bool:
        return self._fork_above_traces is not None and tracing.estimated_traces() > self._fork_above_traces

    def _from_child(self, answer: child.ChildResult, timer: OverheadTimer, session: int) -> Snapshot:
        timer.record_block(answer.fork_s)
        with timer.blocking():
            traces, rows = decode_table(answer.data)
            return self._snapshot(traces, rows, timer, session)

    def _from_here(self, counting: _Counting, timer: OverheadTimer, session: int) -> Snapshot:
        with timer.blocking():
            return self._snapshot(counting.traces, rows_of(counting.sums), timer, session)

    def _snapshot(
        self,
        traces: int,
        rows: Iterable[tuple[SiteKey, int, int]],
        timer: OverheadTimer,
        session: int,
    ) -> Snapshot:
        overhead_bytes = 0
        kept = []
        for key, size_bytes, count in rows:
            if key[0].startswith(OWN_FILES):
                overhead_bytes += size_bytes
            else:
                kept.append((self._keys.setdefault(key, key), size_bytes, count))
        table = SiteTable.from_rows(kept)
        return Snapshot(
            table=table,
            traced_bytes=table.size_bytes + overhead_bytes,
            profiler_bytes=overhead_bytes,
            traces=traces,
            session=session,
            cost=timer.cost(memory_bytes=traces * RAW_TRACE_BYTES),
        )


class _Counting:
    """Counts the raw traces of one moment in slices, and drops the raw list as soon as possible."""

    def __init__(self, timer: OverheadTimer, site_of: SiteOf) -> None:
        self._timer = timer
        self._site_of = site_of
        self.sums: TotalsByLine = {}
        with timer.blocking():
            self._raw = raw_traces()
        self.traces = len(self._raw)

    def slices(self) -> Iterator[None]:
        for begin in range(0, self.traces, SLICE_TRACES):
            with self._timer.blocking():
                aggregate_traces(self._raw[begin : begin + SLICE_TRACES], self.sums, self._site_of)
            yield
        with self._timer.blocking():
            self._raw = []


def raw_traces() -> list[Any]:
    """Return the traces of this moment as (domain, size, frames, number of frames before the cut).

    The sizes add up to all traced memory. The garbage collector is off meanwhile, because the list has a tuple for each
    trace, and collections that visit all of them would add half the time again.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return cast("list[Any]", _get_traces()) if _get_traces else public_raw_traces()
    finally:
        if collecting:
            gc.enable()


def public_raw_traces() -> list[Any]:
    """Return the traces of this moment by the documented API, which is slower and takes several times the memory."""
    if not tracemalloc.is_tracing():
        return []
    return [(trace.domain, trace.size, _frames(trace), None) for trace in tracemalloc.take_snapshot().traces]


def _frames(trace: tracemalloc.Trace) -> tuple[SiteKey, ...]:
    return tuple((frame.filename, frame.lineno) for frame in reversed(trace.traceback))


def counted(site_of: SiteOf) -> bytes:
    """Count all traces in a forked child, and encode the sums compactly for the pipe."""
    raw, sums = raw_traces(), TotalsByLine()
    aggregate_traces(raw, sums, site_of)
    _never_freed.append(raw)
    return encode_table(len(raw), rows_of(sums))


_never_freed: list[Any] = []  # in a child, which ends sooner if it does not free a million tuples first


def largest_stacks(sites: Iterable[SiteKey], site_of: SiteOf) -> dict[SiteKey, tuple[SiteKey, ...]]:
    """Return for each of these sites the frames, innermost first, through which most of its bytes were allocated."""
    wanted = set(sites)
    bytes_by: dict[SiteKey, Counter[tuple[SiteKey, ...]]] = {site: Counter() for site in wanted}
    for _, size_bytes, frames, *_ in raw_traces():
        site = site_of(frames)
        if site in wanted:
            bytes_by[site][frames] += size_bytes
    return {site: stacks.most_common(1)[0][0] for site, stacks in bytes_by.items() if stacks}
