"""What a job's runs say together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from profiling.records.lines import Cost, SiteKey
from profiling.records.memory import MemoryUsage
from profiling.records.runs import Level


class State(StrEnum):
    """What a series of runs says about its job."""

    LEAKING = "leaking"
    NATIVE_GROWTH = "native_growth"
    GROWING = "growing"
    STABLE = "stable"
    INSUFFICIENT_RUNS = "insufficient_runs"

    @property
    def is_accusation(self) -> bool:
        """Return whether to act on this state: `growing` may still be something that fills up."""
        return self in {State.LEAKING, State.NATIVE_GROWTH}


class Outlook(StrEnum):
    """Whether a time can be told at which the memory is full."""

    FULL = "full"
    NOT_GROWING = "not_growing"
    NOT_ENOUGH_RUNS = "not_enough_runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A line that keeps more with every run."""

    site: SiteKey
    bytes_per_run: float
    stack: tuple[SiteKey, ...]  # innermost first; the site alone if no more frames are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the memory is full, if the job goes on as in its last runs and nothing else changes."""

    outlook: Outlook
    reason: str  # one sentence
    full_in_s: float | None  # from the end of the last run; None unless the outlook is `full`
    interval_s: tuple[float, float | None] | None  # earliest and latest; None as latest: no bound
    full_at: datetime | None  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """What a verdict of `leaking` or `native_growth` rests on. It holds until half of that has gone."""

    state: State
    since_run: int  # how many completed runs the job had when it was accused
    births: tuple[int, int]  # the runs, by birth, whose survivors it rests on; the first and the last
    site: SiteKey | None  # the line whose survivors they are; None: all lines of the job, or the C heap
    bytes_held: float  # alive of these births when accused; of the C heap, what it had grown by
    bytes_per_run: float  # likewise, at the site


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The limit of a store, as the store knows it by itself."""

    kind: str  # "deque", "functools.lru_cache" or the name of its type
    items: int
    max_items: int  # above zero

    @property
    def is_full(self) -> bool:
        """Return whether the store takes no more items than it has."""
        return self.items >= self.max_items

    @property
    def percent_full(self) -> int:
        """Return how full it is, rounded down: 100 if it is full."""
        return min(100, 100 * self.items // self.max_items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a job's runs say together."""

    state: State
    reason: str  # one sentence
    runs: int  # how many runs it rests on
    bytes_per_run: float | None  # of what the state is about, at all lines that grow; None for too few runs
    interval_bytes: tuple[float, float] | None  # of bytes_per_run
    suspects: tuple[Suspect, ...] = ()  # largest first; empty if nothing leaks, or if nobody looked
    forecast: Forecast | None = None  # None if it is not known how often the job runs, or what the limit is
    native_bytes_per_run: float | None = None  # growth of the C heap beside it; None if none is seen
    accusation: Accusation | None = None  # what an accusation rests on; None for the other states
    bound: Bound | None = None  # of the store that fills up; None if none is known to


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What was seen of one job."""

    job: str
    runs: int
    level: Level
    verdict: Verdict
    usage: MemoryUsage  # at the end
    traced_bytes: int | None  # of the process if exact, of the job if estimated
    allocator_free_bytes: int | None  # freed by the program, held by the C allocator
    cost: Cost
    slowdown: float | None  # of a profiled run against a plain one; None if both are too short to tell
    degraded: str | None = None  # why less was measured than is usual
    relative_error: float | None = None  # standard error of traced_bytes, as a share of it; None if it is exact

    @property
    def grows(self) -> bool:
        """Return whether to act on the verdict."""
        return self.verdict.state.is_accusation
