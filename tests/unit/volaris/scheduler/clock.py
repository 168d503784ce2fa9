"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from volaris.scheduler import ClockReading

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class ManualClock:
    """Implements volaris.scheduler.Clock."""

    def __init__(self, wall: datetime = MONDAY, monotonic_s: float = 1_000.0) -> None:
        self.moment = ClockReading(monotonic_s=monotonic_s, wall=wall)
        self.alarms: list[ManualAlarm] = []

    def now(self) -> ClockReading:
        return self.moment

    def call_at(self, monotonic_s: float, callback: Callable[[], object]) -> ManualAlarm:
        alarm = ManualAlarm(self, monotonic_s, callback)
        self.alarms.append(alarm)
        return alarm

    async def forward(self, seconds: float) -> None:
        """Let time pass in one jump, as a loop that was held up would see it, and let what is due begin."""
        self.moment = ClockReading(
            monotonic_s=self.moment.monotonic_s + seconds, wall=self.moment.wall + timedelta(seconds=seconds)
        )
        for alarm in [alarm for alarm in self.alarms if alarm.monotonic_s <= self.moment.monotonic_s]:
            self.alarms.remove(alarm)
            alarm.callback()
        await settle()

    async def pass_by(self, seconds: float) -> None:
        """Let time pass from alarm to alarm."""
        end_s = self.moment.monotonic_s + seconds
        while self.alarms and (due_s := min(alarm.monotonic_s for alarm in self.alarms)) <= end_s:
            await self.forward(max(0.0, due_s - self.moment.monotonic_s))
        await self.forward(end_s - self.moment.monotonic_s)

    def step_wall(self, by: timedelta) -> None:
        """What an administrator or NTP does."""
        self.moment = ClockReading(monotonic_s=self.moment.monotonic_s, wall=self.moment.wall + by)


class ManualAlarm:
    """Implements volaris.scheduler.TimerHandle."""

    def __init__(self, clock: ManualClock, monotonic_s: float, callback: Callable[[], object]) -> None:
        self.clock = clock
        self.monotonic_s = monotonic_s
        self.callback = callback

    def cancel(self) -> None:
        if self in self.clock.alarms:
            self.clock.alarms.remove(self)


async def settle() -> None:
    """Let every task go on until it waits for something else than its turn."""
    for _ in range(20):
        await asyncio.sleep(0)
