"""What is known of a job when it is judged: frozen records, made by `profiling.cases` from samples and counters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from profiling.records import Accusation, Bound, SiteKey
from profiling.verdict.bounds import MAX_FILLING_RUNS, NOTHING_READ, SMALL_BYTES, Reading
from profiling.verdict.forecast import Headroom
from profiling.verdict.patience import Patience
from profiling.verdict.survivors import Alive, Births


class GrowthKind(Enum):
    """The kinds of evidence, each with what grows, for a sentence."""

    SURVIVORS = "what the job keeps"
    SWELLING = "an object"
    EXACT = "traced memory"
    C_HEAP = "the C heap"
    MAPPED = "memory that is mapped directly"


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """What is alive at one of the user's lines."""

    births: Births
    large_bytes: float = 0.0  # the part of it in blocks that are practically always sampled
    large_blocks: float = 0.0

    @property
    def size_bytes(self) -> float:
        """Return the bytes alive at the line."""
        return sum(alive.size_bytes for alive in self.births.values())

    @property
    def samples(self) -> int:
        """Return how many samples tell of them."""
        return sum(alive.samples for alive in self.births.values())


@dataclass(frozen=True, slots=True)
class Unit:
    """What one of the runs is called, and what several are."""

    one: str
    many: str


RUN = Unit("run", "runs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a job after one of its runs."""

    ended: Sequence[int]  # the births of all completed runs that are remembered, oldest first
    settled: Sequence[int]  # of them those that a full collection has followed
    closed: frozenset[int]  # of them those whose free lists were emptied at both ends
    lines: Mapping[SiteKey, LineEvidence]  # empty if no samples are to be had
    totals_at: Callable[[SiteKey], Sequence[float]] = lambda _: ()  # bytes at a line after each of the last runs
    kept_at: Callable[[SiteKey], Mapping[int, float]] = lambda _: {}  # by birth, what a run had kept there at its end
    at_once: int = 1  # of the last runs: how many were at work together at most
    # Changes within each of the last runs that no other job overlapped; and of those whose own garbage was collected.
    c_heap: tuple[Sequence[float], Sequence[float]] = ((), ())
    mapped: tuple[Sequence[float], Sequence[float]] = ((), ())  # memory that no allocator has
    exact: Sequence[float] = ()  # what each of the last runs kept by exact lines, between two full collections
    exact_lines: Mapping[SiteKey, float] = field(default_factory=dict)  # bytes per run of the lines that grow steadily
    process: Sequence[float] = ()  # the RSS's change within each of the last runs, if nothing better is to be had
    headroom: Headroom | None = None  # None before the second run
    left_bytes: float = float("inf")  # to the memory limit, after the job's first run: others may have taken it since
    accusation: Accusation | None = None  # of an earlier verdict
    reading: Reading = NOTHING_READ  # of the stores that hold what is alive at the lines
    patience: Patience = field(default_factory=Patience)
    unit: Unit = RUN

    def filling_at(self, site: SiteKey | None) -> Bound | None:
        """Return the bound of the store that fills up at a line, or None if it has no room or would take too long."""
        bound, line = self.reading.filling_at(site), self.lines.get(site) if site else None
        if bound is None or line is None:
            return None
        times = bound.max_items / max(1, bound.items)  # of what there is, when it is full
        full_bytes = times * line.size_bytes
        is_soon = times * len(line.births) <= MAX_FILLING_RUNS or full_bytes <= SMALL_BYTES
        return bound if is_soon and full_bytes <= self.left_bytes else None

    def together(self, sites: Iterable[SiteKey]) -> LineEvidence:
        """Return several lines as if they were one."""
        births: dict[int, Alive] = {}
        for site in sites:
            for birth, alive in self.lines[site].births.items():
                births[birth] = births[birth] + alive if birth in births else alive
        return LineEvidence(births)
