"""Records made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from profiling.records import (
    Cost,
    Counters,
    Level,
    LineProfile,
    MemoryLimit,
    Outcome,
    RunProfile,
    SiteKey,
    SiteTable,
)
from profiling.source import Place

MB = 1 << 20
Rows = Mapping[SiteKey, tuple[int, int]]


def table(rows: Rows) -> SiteTable:
    return SiteTable.from_rows((key, size_bytes, count) for key, (size_bytes, count) in rows.items())


def lines(
    live: Rows, *, traced_bytes: int | None = None, retained: Rows | None = None, session: int = 1
) -> LineProfile:
    packed = table(live)
    return LineProfile(
        live=packed,
        retained=table(retained or {}),
        traced_bytes=packed.size_bytes if traced_bytes is None else traced_bytes,
        traced_diff_bytes=1234,
        traced_peak_bytes=5 * MB,
        profiler_bytes=MB,
        traces=99,
        session=session,
    )


def counters(rss_bytes: int = 100 * MB) -> Counters:
    return Counters(rss_bytes=rss_bytes, blocks=1000, c_heap_free_bytes=2 * MB, c_heap_used_bytes=30 * MB)


RUN = RunProfile(
    id=1,
    job="work",
    level=Level.LINES,
    outcome=Outcome.COMPLETED,
    started_at=datetime(2026, 8, 3, 16, 0, tzinfo=UTC),
    duration_s=0.25,
    before=counters(),
    after=counters(101 * MB),
    limit=MemoryLimit(limit_bytes=512 * MB, source="setting"),
    peak_rss_bytes=105 * MB,
    lines=None,
    overlapped_with=(),
    degraded=None,
    cost=Cost(duration_s=0.02, stall_s=0.003, memory_bytes=MB),
)


def run(run_id: int, live: Rows | None = None, *, job: str = "work", **fields: object) -> RunProfile:
    made = replace(RUN, id=run_id, job=job, lines=None if live is None else lines(live))
    return replace(made, **fields)  # type: ignore[arg-type]


def places_of(keys: Iterable[SiteKey]) -> dict[SiteKey, Place]:
    """Every ten lines of a file are a function."""
    return {(path, line): Place(f"short/{path}", f"f{line // 10}", f"text of {line}") for path, line in keys}
