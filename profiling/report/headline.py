"""The state of a process in one sentence: how full it is, who grows and on which line, and when it is full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from profiling.records import MemoryUsage, State, Verdict
from profiling.report.status import health_status
from profiling.source import short_path
from profiling.units import MB

CRITICAL_S = 3_600.0  # memory that is full sooner is critical
MINUTES_S, CLOCK_S = 600.0, 20 * 3_600.0  # a sooner or later time is told as a time from now


class Alert(StrEnum):
    """How urgent the state is."""

    CALM = "calm"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grower:
    """A job or scope with its verdict."""

    name: str
    unit: str  # "run" of a job, "call" of a scope
    bytes_per_unit: float  # growth
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When the memory will be full."""

    at: datetime
    earliest: datetime | None
    latest: datetime | None  # None if there is no bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The state in one sentence, in its parts."""

    alert: Alert
    memory: str  # how full
    cause: str  # who grows
    deadline: Deadline | None
    end: str  # when the memory is full; empty if that is not known

    @property
    def text(self) -> str:
        """Return the whole sentence."""
        return " ".join(part for part in (self.memory, self.cause, self.end) if part)


def headline(usage: MemoryUsage, growers: Sequence[Grower], now: datetime) -> Headline:
    """Return the state as of `now`.

    Args:
        usage: What the process uses, with its limit.
        growers: Jobs and scopes with a verdict, in any order.
        now: The time, with a time zone, in which the answer tells times.
    """
    accused = sorted((each for each in growers if each.verdict.state.is_accusation), key=_urgency)
    deadline = _deadline(accused, now)
    return Headline(
        alert=_alert(usage, accused, deadline, now),
        memory=f"{usage.rss_bytes / MB:,.0f} of {usage.limit.limit_bytes / MB:,.0f} MB.",
        cause=_cause(accused, growers),
        deadline=deadline,
        end=_end(deadline, now) if deadline else "",
    )


def _urgency(grower: Grower) -> tuple[float, float, str]:
    full_in_s = grower.verdict.forecast.full_in_s if grower.verdict.forecast else None
    return (float("inf") if full_in_s is None else full_in_s, -grower.bytes_per_unit, grower.name)


def _deadline(accused: Sequence[Grower], now: datetime) -> Deadline | None:
    """Return the forecast of the most urgent job or scope that has one."""
    for grower in accused:
        forecast = grower.verdict.forecast
        if forecast is None or forecast.full_at is None or forecast.full_in_s is None:
            continue
        at, told_at_s = forecast.full_at.astimezone(now.tzinfo), forecast.full_in_s
        earliest_s, latest_s = forecast.interval_s or (None, None)
        return Deadline(
            at=at,
            earliest=None if earliest_s is None else at + timedelta(seconds=earliest_s - told_at_s),
            latest=None if latest_s is None else at + timedelta(seconds=latest_s - told_at_s),
        )
    return None


def _alert(usage: MemoryUsage, accused: Sequence[Grower], deadline: Deadline | None, now: datetime) -> Alert:
    status = health_status(usage.percent)
    if status == "critical" or (deadline and (deadline.at - now).total_seconds() < CRITICAL_S):
        return Alert.CRITICAL
    return Alert.WARNING if status == "warning" or accused else Alert.CALM


def _cause(accused: Sequence[Grower], growers: Sequence[Grower]) -> str:
    if accused:
        first, others = accused[0], len(accused) - 1
        also = f", and {others} more {'grows' if others == 1 else 'grow'}" if others else ""
        return f"{_accusation(first)}{also}."
    if all(each.verdict.state is State.INSUFFICIENT_RUNS for each in growers):
        return "Nothing has run often enough for a verdict."
    filling = [each for each in growers if each.verdict.state is State.GROWING]
    if not filling:
        return "Nothing grows."
    largest = max(filling, key=lambda each: each.bytes_per_unit)
    return f"No leak is settled; {largest.name} grows by {_pace(largest)} and may still fill up."


def _accusation(grower: Grower) -> str:
    if grower.verdict.state is State.NATIVE_GROWTH:
        return f"{grower.name} grows by {_pace(grower)} outside Python's heap"
    suspects = grower.verdict.suspects
    place = f" at {short_path(suspects[0].site[0])}:{suspects[0].site[1]}" if suspects else ""
    return f"{grower.name} leaks {_pace(grower)}{place}"


def _pace(grower: Grower) -> str:
    return f"{size_text(grower.bytes_per_unit)} per {grower.unit}"


def size_text(size_bytes: float) -> str:
    """Return a size as the page writes it: "512 B", "40 KB", "1.1 MB", "423 MB"; an MB has 2**20 bytes."""
    size, units = abs(size_bytes), ("B", "KB", "MB", "GB", "TB")
    number = 0
    while round(size, 1) >= 1_000 and number < len(units) - 1:
        size, number = size / 1_024, number + 1
    digits = 1 if number >= 2 and round(size, 1) < 100 else 0  # tenths of a KB say nothing
    return f"{'-' if size_bytes < 0 else ''}{size:,.{digits}f} {units[number]}"


def _end(deadline: Deadline, now: datetime) -> str:
    left_s = (deadline.at - now).total_seconds()
    if left_s <= 0:
        return "Full at any moment."
    if MINUTES_S <= left_s < CLOCK_S:
        return f"Full at about {deadline.at:%H:%M}{_zone(deadline.at)}{_clock_interval(deadline, now)}."
    ends = [each for each in (deadline.earliest, deadline.latest) if each is not None]
    spans = [_span(max(0.0, (each - now).total_seconds())) for each in (deadline.at, *ends)]
    interval = f" ({spans[1]} to {spans[2]})" if len(spans) == 3 and spans[1] != spans[2] else ""
    return f"Full in about {spans[0]}{interval}."


def _clock_interval(deadline: Deadline, now: datetime) -> str:
    if deadline.earliest is None:
        return ""
    earliest = max(deadline.earliest, now)
    if deadline.latest is None:
        return f" ({earliest:%H:%M} at the earliest)"
    later = f" {deadline.latest:%d %b}" if deadline.latest.date() != now.date() else ""
    return f" ({earliest:%H:%M} to {deadline.latest:%H:%M}{later})"


def _zone(at: datetime) -> str:
    return f" {at.tzname()}" if at.tzname() else ""


def _span(seconds: float) -> str:
    for unit, unit_s, most in (("second", 1, 100), ("minute", 60, 100), ("hour", 3_600, 48)):
        if round(seconds / unit_s) < most:
            return f"{round(seconds / unit_s)} {unit if round(seconds / unit_s) == 1 else unit + 's'}"
    return f"{round(seconds / 86_400)} days"
