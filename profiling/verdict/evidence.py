"""What is known about a job when it is judged: frozen records that `profiling.cases` makes of samples and counters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from profiling.records import Accusation, Bound, SiteKey
from profiling.verdict.bounds import MAX_FILLING_RUNS, NOTHING_READ, SMALL_BYTES, Reading
from profiling.verdict.forecast import Headroom
from profiling.verdict.patience import Patience
from profiling.verdict.survivors import Alive, Births

MAX_EARLIER = 3  # runs by which the last full collection may come before a growth was watched for long enough


class GrowthKind(Enum):
    """The kinds of evidence; the value says in a sentence what grows."""

    SURVIVORS = "the memory that the job keeps"
    SWELLING = "one object"
    EXACT = "traced memory"
    C_HEAP = "the C heap"
    MAPPED = "memory that is mapped directly"


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """What is alive at one of the user's lines."""

    births: Births
    large_bytes: float = 0.0  # the part in blocks so large that practically all are sampled
    large_blocks: float = 0.0

    @property
    def size_bytes(self) -> float:
        """Return the bytes alive at the line."""
        return sum(alive.size_bytes for alive in self.births.values())

    @property
    def samples(self) -> int:
        """Return the number of samples at the line."""
        return sum(alive.samples for alive in self.births.values())


@dataclass(frozen=True, slots=True)
class Unit:
    """The words for one run and for several, in messages."""

    one: str
    many: str


RUN = Unit("run", "runs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about a job after one of its runs."""

    ended: Sequence[int]  # births of all completed runs that are remembered, oldest first
    settled: Sequence[int]  # those of `ended` that were followed by a full collection
    closed: frozenset[int]  # those of `ended` whose free lists were emptied at both ends
    lines: Mapping[SiteKey, LineEvidence]  # live memory by line; empty without samples
    totals_at: Callable[[SiteKey], Sequence[float]] = lambda _: ()  # bytes at a line after each of the last runs
    # by birth, the bytes that a run had kept at the line when it ended
    kept_at: Callable[[SiteKey], Mapping[int, float]] = lambda _: {}
    at_once: int = 1  # highest number of recent runs of the job that were active at the same time
    # Changes in each of the last runs that no other job overlapped; then only of those whose garbage was collected.
    c_heap: tuple[Sequence[float], Sequence[float]] = ((), ())
    mapped: tuple[Sequence[float], Sequence[float]] = ((), ())  # memory outside of all allocators
    exact: Sequence[float] = ()  # what each of the last runs kept by exact lines, between two full collections
    exact_lines: Mapping[SiteKey, float] = field(default_factory=dict)  # bytes per run of lines that grow steadily
    process: Sequence[float] = ()  # change of the RSS in each of the last runs, if there is nothing better
    headroom: Headroom | None = None  # None before the second run
    # left to the memory limit after the job's first run; other jobs may have used some of it since
    left_bytes: float = float("inf")
    accusation: Accusation | None = None  # of an earlier verdict; None if there was none
    reading: Reading = NOTHING_READ  # the last look at stores that hold what is alive at the lines
    patience: Patience = field(default_factory=Patience)
    unit: Unit = RUN

    def watched_since(self, birth: int) -> int:
        """Return how many runs have ended since a birth."""
        return sum(each >= birth for each in self.ended)

    def is_settled_for(self, runs: int, birth: int) -> bool:
        """Return whether a full collection came so many runs after a birth, or a few runs earlier.

        What was alive then was no garbage. What has become garbage since is still counted as alive: entries that a
        full cache has dropped, for one.
        """
        return sum(each >= birth for each in self.settled) >= runs - MAX_EARLIER

    def needed(self, bytes_per_run: float) -> int:
        """Return how many runs a growth by this pace is watched before it is accused."""
        return self.patience.runs(bytes_per_run, self.left_bytes)

    def filling_at(self, site: SiteKey | None) -> Bound | None:
        """Return the bound of the store that fills up at a line; None if it has no room, or would take too long."""
        bound, line = self.reading.filling_at(site), self.lines.get(site) if site else None
        if bound is None or line is None:
            return None
        times = bound.max_items / max(1, bound.items)  # size of the full store relative to now
        full_bytes = times * line.size_bytes
        is_soon = times * len(line.births) <= MAX_FILLING_RUNS or full_bytes <= SMALL_BYTES
        return bound if is_soon and full_bytes <= self.left_bytes else None

    def together(self, sites: Iterable[SiteKey]) -> LineEvidence:
        """Return the evidence of several lines together."""
        births: dict[int, Alive] = {}
        for site in sites:
            for birth, alive in self.lines[site].births.items():
                births[birth] = births[birth] + alive if birth in births else alive
        return LineEvidence(births)
