"""Triggers, which say when a job is due: pure functions of moments, without state.

The slots of a trigger are fixed points in time. The scheduler remembers up to which moment it has processed them, and
asks how many have come due since. Several due slots are coalesced into one run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from volaris.scheduler.clock import ClockReading

EVERY_DAY = frozenset(range(7))
LOOK_AGAIN_S = 60.0
# start + n * period, rounded, may be slightly too early; after 30 years the clock's rounding is 0.2 of this
ROUNDING_S = 1e-6


class Trigger(Protocol):
    """The slots of a job."""

    def slots_between(self, start: ClockReading, after: ClockReading, upto: ClockReading) -> int:
        """Return how many slots there are after `after` up to `upto`, for a scheduler that started at `start`."""

    def next_after(self, start: ClockReading, now: ClockReading) -> datetime:
        """Return the wall time of the first slot after `now`."""

    def wake_at(self, start: ClockReading, now: ClockReading) -> float:
        """Return the monotonic time at which to check the slots again: at the next slot or earlier."""


@dataclass(frozen=True, slots=True)
class Every:
    """Fixed slots on the monotonic clock: start + delay + n * period, n from 0. Late runs do not shift later slots.

    Raises ValueError if the period is not above zero, or the delay is below zero.
    """

    period_s: float
    delay_s: float = 0.0  # from the scheduler's start to the first slot

    def __post_init__(self) -> None:
        if not self.period_s > 0 or not self.delay_s >= 0:
            raise ValueError(f"the period must be above 0 s and the delay at least 0 s, not {self}")

    def slots_between(self, start: ClockReading, after: ClockReading, upto: ClockReading) -> int:
        """Return how many slots there are after the moment `after`, up to and including `upto`."""
        return max(0, self._passed(start, upto) - self._passed(start, after))

    def next_after(self, start: ClockReading, now: ClockReading) -> datetime:
        """Return the wall time of the first slot after `now`, if nobody sets the clock in between."""
        return now.wall_at(self.wake_at(start, now))

    def wake_at(self, start: ClockReading, now: ClockReading) -> float:
        """Return the monotonic time of the first slot after `now`."""
        return start.monotonic_s + self.delay_s + self._passed(start, now) * self.period_s

    def _passed(self, start: ClockReading, moment: ClockReading) -> int:
        """Return the number of slots up to and including a moment."""
        since_first_s = moment.monotonic_s - start.monotonic_s - self.delay_s
        return max(0, math.floor((since_first_s + ROUNDING_S) / self.period_s) + 1)


@dataclass(frozen=True, slots=True)
class DailyAt:
    """A time of day in a time zone, on some days of the week (0 is Monday).

    Daylight saving: if the clock skips a time (02:30 when it goes from 2 to 3), the job is due as much later as the
    clock was put forward (03:30). If a time occurs twice, the job is due only the first time. Each day has exactly one
    slot.
    """

    at: time
    zone: ZoneInfo
    weekdays: frozenset[int] = EVERY_DAY

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= EVERY_DAY:
            raise ValueError(f"weekdays must be one or more of 0 (Monday) to 6 (Sunday), not {sorted(self.weekdays)}")

    def slots_between(self, start: ClockReading, after: ClockReading, upto: ClockReading) -> int:
        """Return how many slots there are after `after`, up to and including `upto`; 0 if the clock was set back."""
        count = 0
        for slot in self._slots_from(after.wall):
            if slot > upto.wall:
                return count
            count += slot > after.wall
        raise AssertionError("days do not end")

    def next_after(self, start: ClockReading, now: ClockReading) -> datetime:
        """Return the wall time of the first slot after `now`."""
        return next(slot for slot in self._slots_from(now.wall) if slot > now.wall)

    def wake_at(self, start: ClockReading, now: ClockReading) -> float:
        """Return the time of the next slot, but at most a minute from now, so that a set wall clock is noticed."""
        left_s = (self.next_after(start, now) - now.wall).total_seconds()
        return now.monotonic_s + min(left_s, LOOK_AGAIN_S)

    def _slots_from(self, wall: datetime) -> Iterator[datetime]:
        """Yield the slots in UTC, from the day before `wall` on."""
        day = wall.astimezone(self.zone).date() - timedelta(days=1)
        while True:
            if day.weekday() in self.weekdays:
                yield self._slot_on(day)
            day += timedelta(days=1)

    def _slot_on(self, day: date) -> datetime:
        # fold=0 selects the first of two times and, in a gap, the offset before it, which is the rule above (PEP 495).
        return datetime.combine(day, self.at.replace(fold=0), self.zone).astimezone(UTC)
