"""The verdict on a job's runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from profiling.records.lines import Cost, SiteKey
from profiling.records.memory import MemoryUsage
from profiling.records.runs import Level


class State(StrEnum):
    """The state of a job, judged by a series of its runs."""

    LEAKING = "leaking"
    NATIVE_GROWTH = "native_growth"
    GROWING = "growing"
    STABLE = "stable"
    INSUFFICIENT_RUNS = "insufficient_runs"

    @property
    def is_accusation(self) -> bool:
        """Return whether the state accuses the job; `growing` does not, because something may still be filling up."""
        return self in {State.LEAKING, State.NATIVE_GROWTH}


class Outlook(StrEnum):
    """Whether it can be forecast when the memory is full."""

    FULL = "full"
    NOT_GROWING = "not_growing"
    NOT_ENOUGH_RUNS = "not_enough_runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A line that keeps more memory with every run."""

    site: SiteKey
    bytes_per_run: float
    stack: tuple[SiteKey, ...]  # innermost first; only the site if no other frames are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the memory will be full, if the job goes on as in its last runs and nothing else changes."""

    outlook: Outlook
    reason: str  # in one sentence
    full_in_s: float | None  # seconds from the end of the last run; None unless the outlook is `full`
    interval_s: tuple[float, float | None] | None  # earliest and latest of these seconds; None as latest: no bound
    full_at: datetime | None  # with time zone, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """What a verdict `leaking` or `native_growth` rests on. It holds until less than half of that memory is alive."""

    state: State
    since_run: int  # the number of completed runs when the job was accused
    births: tuple[int, int]  # the first and the last run whose survivors it rests on, by birth
    site: SiteKey | None  # the line of the survivors; None for all lines of the job, or for the C heap
    bytes_held: float  # memory of these runs that was alive when accused; for the C heap, how much it had grown
    bytes_per_run: float  # pace at the site when accused


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The limit of a store, such as a cache, that knows its limit by itself."""

    kind: str  # "deque", "functools.lru_cache", or the name of the type
    items: int
    max_items: int  # above zero

    @property
    def is_full(self) -> bool:
        """Return whether the store has no room for more items."""
        return self.items >= self.max_items

    @property
    def percent_full(self) -> int:
        """Return how full the store is in per cent, rounded down: 100 only if it is full."""
        return min(100, 100 * self.items // self.max_items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on a job's runs."""

    state: State
    reason: str  # in one sentence or two
    runs: int  # the number of completed runs that it rests on
    bytes_per_run: float | None  # pace of all growing lines, or of the C heap for native_growth; None for too few runs
    interval_bytes: tuple[float, float] | None  # 95 % interval of bytes_per_run
    suspects: tuple[Suspect, ...] = ()  # largest first; empty if nothing leaks, or if no lines are known
    forecast: Forecast | None = None  # None if the memory limit or the time between runs is not known
    native_bytes_per_run: float | None = None  # growth of the C heap beside Python's heap; None if there is none
    accusation: Accusation | None = None  # None unless the state is an accusation
    bound: Bound | None = None  # limit of the store that is filling up; None if none is known


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of a check for one job."""

    job: str
    runs: int
    level: Level
    verdict: Verdict
    usage: MemoryUsage  # at the end of the check
    traced_bytes: int | None  # of the process if exact, of the job if estimated
    allocator_free_bytes: int | None  # freed by the program but kept by the C allocator
    cost: Cost
    slowdown: float | None  # of a profiled run against an unprofiled one; None if both are too short to tell
    degraded: str | None = None  # why less was measured than usual; None if nothing is missing
    relative_error: float | None = None  # standard error of traced_bytes as a share of it; None if it is exact

    @property
    def grows(self) -> bool:
        """Return whether the verdict accuses the job."""
        return self.verdict.state.is_accusation
