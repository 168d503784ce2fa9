"""Timers for the cost of the profiler itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from profiling.records import Cost

INITIAL_BUDGET_S = 0.3  # CPU time that may be spent at once, so that a leak in a busy job is reported soon


class OverheadTimer:
    """Measures, from its creation to `cost()`, the whole time and the longest piece that blocked the loop."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._started_s = clock()
        self.stall_s = 0.0

    @contextmanager
    def blocking(self) -> Iterator[None]:
        """Time a block that runs in one piece."""
        began_s = self._clock()
        try:
            yield
        finally:
            self.record_block(self._clock() - began_s)

    def record_block(self, seconds: float) -> None:
        """Note a piece that was timed elsewhere."""
        self.stall_s = max(self.stall_s, seconds)

    def cost_of_block(self) -> Cost:
        """Return the cost so far of one block that has not ended."""
        held_s = self._clock() - self._started_s
        return Cost(duration_s=held_s, stall_s=held_s, memory_bytes=0)

    def cost(self, memory_bytes: int = 0) -> Cost:
        """Return the cost so far."""
        return Cost(duration_s=self._clock() - self._started_s, stall_s=self.stall_s, memory_bytes=memory_bytes)


class Budget:
    """A budget of this thread's CPU time: a fixed amount at once, and a share of all the time that passes.

    Only CPU time counts, because waiting on a busy machine is not a cost of the profiler.
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
        """Return whether anything is left to spend."""
        return self._spent_s <= self._at_once_s + self._share * (self._clock() - self._began_s)

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Charge the budget with the CPU time of the block."""
        began_s = self._cpu_clock()
        try:
            yield
        finally:
            self._spent_s += self._cpu_clock() - began_s
