"""The past of the process: down-sampled readings of its memory, and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Span(StrEnum):
    """How far a timeline goes back."""

    TEN_MINUTES = "10m"
    TWO_HOURS = "2h"
    WEEK = "7d"


class EventKind(StrEnum):
    """The kind of an event."""

    VERDICT = "verdict"  # the verdict on a job or a scope has changed
    DEGRADED = "degraded"  # a run measured less than its level promises
    PRESSURE = "pressure"  # the memory has become scarce, or is no longer
    RESTART = "restart"  # the process began anew, and the past is that of an earlier one


class Pressure(StrEnum):
    """How scarce the memory is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


WARNING_PERCENT = 75.0
CRITICAL_PERCENT = 85.0


def pressure_at(percent: float) -> Pressure:
    """Return `ok`, `warning` from 75 per cent of the limit, or `critical` above 85."""
    if percent > CRITICAL_PERCENT:
        return Pressure.CRITICAL
    return Pressure.WARNING if percent >= WARNING_PERCENT else Pressure.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """An event in the past of the process."""

    at_s: float  # since the epoch
    kind: EventKind
    subject: str | None  # the job or scope; None for the process
    state: str  # the new state; of a degraded run its level, of a restart `closed` or `not_closed`
    text: str  # in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the RSS consists of, in parts that do not overlap; the rest of the RSS is in none of them."""

    python_bytes: int | None = None  # Python's heap, with the free blocks in its arenas; None without samples
    c_heap_bytes: int | None = None  # in use, without what Python and NumPy have got from it
    free_bytes: int | None = None  # freed by the program but kept by the C allocator


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The memory of the process at one moment."""

    at_s: float  # since the epoch
    rss_bytes: int
    limit_bytes: int
    parts: Parts = Parts()
    held: Mapping[str, int] | None = None  # bytes alive by job or scope; None if they are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The readings of one span, oldest first: a list for each figure, all of one length. Sizes are whole KiB."""

    span: Span
    step_s: int
    now_s: float  # since the epoch
    at_s: Sequence[int]  # the beginning of each step, since the epoch; steps without a reading are left out
    rss_bytes: Sequence[int | None]  # mean of the step
    peak_bytes: Sequence[int | None]  # highest reading of the step
    limit_bytes: Sequence[int | None]
    python_bytes: Sequence[int | None]
    c_heap_bytes: Sequence[int | None]
    free_bytes: Sequence[int | None]
    held: Mapping[str, Sequence[int | None]]  # by job or scope, the one that holds most now first
    events: Sequence[PastEvent]  # of the span, oldest first

    @property
    def last_parts(self) -> Parts:
        """Return what the RSS consisted of at the last reading; nothing is known of it if there is none."""
        if not self.at_s:
            return Parts()
        return Parts(
            python_bytes=self.python_bytes[-1], c_heap_bytes=self.c_heap_bytes[-1], free_bytes=self.free_bytes[-1]
        )
