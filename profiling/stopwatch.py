"""Times what the profiler does to the loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from profiling.records import Cost

INITIAL_BUDGET_S = 0.3  # that may be spent at once, so that a leak in a job that runs all the time is told soon


class OverheadTimer:
    """From its making to `cost()`: the whole time, and the longest piece that held the loop."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._started_s = clock()
        self.stall_s = 0.0

    @contextmanager
    def blocking(self) -> Iterator[None]:
        """Time the block, which is code that runs in one piece."""
        began_s = self._clock()
        try:
            yield
        finally:
            self.record_block(self._clock() - began_s)

    def record_block(self, seconds: float) -> None:
        """Note a piece that somebody else has timed."""
        self.stall_s = max(self.stall_s, seconds)

    def cost_of_block(self) -> Cost:
        """Return the cost so far of one block that has not ended."""
        held_s = self._clock() - self._started_s
        return Cost(duration_s=held_s, stall_s=held_s, memory_bytes=0)

    def cost(self, memory_bytes: int = 0) -> Cost:
        """Return the cost so far."""
        return Cost(duration_s=self._clock() - self._started_s, stall_s=self.stall_s, memory_bytes=memory_bytes)


class Budget:
    """CPU time of this thread that may be spent: some at once, and a share of all the time that has passed since.

    What a busy machine makes the thread wait is no cost of the profiler's, and does not count.
    """

    def __init__(
        self,
        share: float,
        clock: Callable[[], float] = time.perf_counter,
        *,
        cpu_clock: Callable[[], float] = time.thread_time,
        at_once_s: float = INITIAL_BUDGET_S,
    ) -> None:
        self._share = share
        self._at_once_s = at_once_s
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._began_s = clock()
        self._spent_s = 0.0

    @property
    def is_left(self) -> bool:
        """Return whether anything may be spent now."""
        return self._spent_s <= self._at_once_s + self._share * (self._clock() - self._began_s)

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Take off what the block takes."""
        began_s = self._cpu_clock()
        try:
            yield
        finally:
            self._spent_s += self._cpu_clock() - began_s
