"""Evidence made by hand: what a job's lines hold, by birth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from profiling.records import Accusation, MemoryLimit, State
from profiling.verdict.evidence import Evidence, LineEvidence
from profiling.verdict.forecast import Headroom
from profiling.verdict.patience import Patience
from profiling.verdict.survivors import Alive, Births
from tests.unit.profiling.make import MB

KB = 1_024.0
A, B, C = ("a.py", 1), ("b.py", 2), ("c.py", 3)
BLOCK = 1_000.0  # bytes that a sample stands for
AT_ONCE = Patience(usual_runs=12, slow_runs=12)

HEADROOM = Headroom(
    limit=MemoryLimit(limit_bytes=512 * MB, source="setting"),
    rss_bytes=212 * MB,
    allocator_free_bytes=0,
    gaps_s=(60.0,) * 5,
    ended_at=datetime(2026, 8, 3, 16, 0, tzinfo=UTC),
)

HELD = Accusation(
    state=State.LEAKING, since_run=40, births=(1, 40), site=A, bytes_held=1_600_000.0, bytes_per_run=40_000.0
)


def alive(samples: int) -> Alive:
    return Alive(samples, samples * BLOCK, samples * BLOCK**2, samples * BLOCK**2)


def births(samples: Mapping[int, int]) -> Births:
    return {birth: alive(count) for birth, count in samples.items() if count}


def every(samples: int, runs: Sequence[int]) -> LineEvidence:
    """Return a line that holds so many samples of each run."""
    return LineEvidence(births(dict.fromkeys(runs, samples)))


def evidence(runs: int, line: LineEvidence | None = None, **others: object) -> Evidence:
    """Return the evidence of so many runs, all settled and closed unless told otherwise."""
    ended = list(range(1, runs + 1))
    lines = {} if line is None else {A: line}
    fields = {"ended": ended, "settled": ended, "closed": frozenset(ended), "lines": lines, **others}
    return Evidence(**fields)  # type: ignore[arg-type]


def swelling(runs: int, totals: Sequence[float], **others: object) -> Evidence:
    """Return the evidence of one large object that every run replaces."""
    line = LineEvidence(births({runs: round(totals[-1] / BLOCK)}), large_bytes=totals[-1], large_blocks=1.0)
    return evidence(runs, line, **{"totals_at": lambda _: totals, "patience": AT_ONCE, **others})
