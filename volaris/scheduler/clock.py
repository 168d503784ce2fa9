"""The clocks of the scheduler, which tests can replace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """One moment on both clocks."""

    monotonic_s: float  # never goes back; its zero means nothing
    wall: datetime  # with time zone; the clock may be set

    def wall_at(self, monotonic_s: float) -> datetime:
        """Return the wall time at a monotonic time, if nobody sets the clock in between."""
        return self.wall + timedelta(seconds=monotonic_s - self.monotonic_s)


class TimerHandle(Protocol):
    """A scheduled call that can be cancelled."""

    def cancel(self) -> None:
        """Cancel the call; do nothing if it has happened."""


class Clock(Protocol):
    """Tells the time and calls functions later."""

    def now(self) -> ClockReading:
        """Return the time now, on both clocks."""

    def call_at(self, monotonic_s: float, callback: Callable[[], object]) -> TimerHandle:
        """Call the function from the running loop at that time, or in the loop's next turn if the time has passed."""


class SystemClock:
    """The machine's clocks and the running loop's timers."""

    def now(self) -> ClockReading:
        """Return the current time on both clocks."""
        return ClockReading(monotonic_s=time.monotonic(), wall=datetime.now(UTC))

    def call_at(self, monotonic_s: float, callback: Callable[[], object]) -> TimerHandle:
        """Start a timer of the running loop from the time that is left, because a loop may have a clock of its own."""
        return asyncio.get_running_loop().call_later(max(0.0, monotonic_s - time.monotonic()), callback)
