"""The forecast of when the memory will be full: a pure function of the pace of growth and the memory that is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from profiling.records import Counters, Forecast, MemoryLimit, Outlook, RunProfile, State
from profiling.units import MB, format_bytes
from profiling.verdict.statistics import mean, median

HORIZON_S = 10 * 365 * 86_400.0  # nobody plans further ahead, and dates have an end
SHORTEST_GAP_S = 1e-3  # between runs, because clocks have a resolution

Pace = tuple[float, float, float]
"""Bytes per run: the slope, and the low and the high end of its interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """The memory that is left after a job's last run, and how often the job runs."""

    limit: MemoryLimit
    rss_bytes: int
    allocator_free_bytes: int  # part of the RSS that the allocators hold free; growth may use it up first
    gaps_s: tuple[float, ...]  # from each run's start to the next one's
    ended_at: datetime  # when the last run ended, with time zone, UTC

    @property
    def left_bytes(self) -> int:
        """Return the bytes between the RSS and the limit."""
        return max(0, self.limit.limit_bytes - self.rss_bytes)

    @property
    def usual_gap_s(self) -> float:
        """Return the median gap, in which a night without runs does not count."""
        return max(SHORTEST_GAP_S, median(self.gaps_s))

    @property
    def mean_gap_s(self) -> float:
        """Return the mean gap, in which a night without runs counts."""
        return max(SHORTEST_GAP_S, mean(self.gaps_s))


def headroom_after(runs: Sequence[RunProfile]) -> Headroom | None:
    """Return the headroom after the last of these runs, oldest first, or None for fewer than two runs."""
    if len(runs) < 2:
        return None
    last = runs[-1]
    return Headroom(
        limit=last.limit,
        rss_bytes=last.after.rss_bytes,
        allocator_free_bytes=allocator_free_bytes(last.after),
        gaps_s=tuple((later.started_at - earlier.started_at).total_seconds() for earlier, later in pairwise(runs)),
        ended_at=last.started_at + timedelta(seconds=last.duration_s),
    )


def allocator_free_bytes(counters: Counters) -> int:
    """Return the bytes that the allocators hold free, as far as these are known."""
    return (counters.c_heap_free_bytes or 0) + (counters.arenas_free_bytes or 0)


def forecast(state: State, pace: Pace | None, headroom: Headroom, one: str = "run") -> Forecast:
    """Return when the limit will be reached at the pace of the memory that the verdict is about.

    The expected time assumes that memory held free by the allocators is used up first, and that the job runs as often
    as usual. The earliest time takes the steepest slope, the shorter gap, and only the bytes between the RSS and the
    limit. The latest time takes the gentlest slope and the longer gap. `one` is the word for a run.
    """
    if state is State.INSUFFICIENT_RUNS:
        return _without_time(Outlook.NOT_ENOUGH_RUNS, "too few runs to forecast when the memory will be full")
    if pace is None or pace[0] <= 0 or state is State.STABLE:
        return _without_time(Outlook.NOT_GROWING, "this job does not make the process grow")
    slope, low, high = pace
    usable_bytes = max(0, headroom.limit.limit_bytes - headroom.rss_bytes + headroom.allocator_free_bytes)
    full_in_s = usable_bytes / slope * headroom.usual_gap_s
    earliest_s = headroom.left_bytes / high * min(headroom.usual_gap_s, headroom.mean_gap_s)
    latest_s = usable_bytes / low * max(headroom.usual_gap_s, headroom.mean_gap_s) if low > 0 else math.inf
    whose = "the machine" if headroom.limit.source == "machine" else "the container"
    at_pace = (
        f"at {format_bytes(round(slope))} per {one} and one {one} every {format_duration(headroom.usual_gap_s)}, "
        f"{whose} ({headroom.limit.limit_bytes / MB:.0f} MB)"
    )
    if full_in_s >= HORIZON_S:
        return _without_time(Outlook.NOT_GROWING, f"{at_pace} will not be full within ten years")
    interval_s = (earliest_s, latest_s if latest_s < HORIZON_S else None)
    return Forecast(
        outlook=Outlook.FULL,
        reason=f"{at_pace} {_when(full_in_s, interval_s)}",
        full_in_s=full_in_s,
        interval_s=interval_s,
        full_at=headroom.ended_at + timedelta(seconds=full_in_s),
    )


def _without_time(outlook: Outlook, reason: str) -> Forecast:
    return Forecast(outlook=outlook, reason=reason, full_in_s=None, interval_s=None, full_at=None)


def _when(full_in_s: float, interval_s: tuple[float, float | None]) -> str:
    if full_in_s == 0:
        return "is already full"
    full_in, earliest = format_duration(full_in_s), format_duration(interval_s[0])
    if interval_s[1] is None:
        return f"will be full in {full_in}, in {earliest} at the earliest"
    latest = format_duration(interval_s[1])
    within = "" if earliest == latest else f", between {earliest} and {latest}"
    return f"will be full in {full_in}{within}"


def format_duration(duration_s: float) -> str:
    """Return a duration as people write it: "0.5 s", "120 s", "40 min", "3 h 10 min", "5 d 4 h", "70 d"."""
    if duration_s < 10:
        return f"{duration_s:.2g} s"
    if round(duration_s) <= 120:
        return f"{duration_s:.0f} s"
    minutes = round(duration_s / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} d {hours % 24} h" if hours < 14 * 24 else f"{round(hours / 24)} d"
