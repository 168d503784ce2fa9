"""Full garbage collections, for verdicts that cannot tell a leak from garbage without one."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

MOST_BLOCKS = 1_000_000  # in pymalloc: a collection of so many takes 50 ms, measured on 3.11 and 3.13
SHARE = 0.001  # of the time that collections may take
AT_ONCE_S = 0.2  # beyond that, so that a leak in a job that runs all the time does not wait for them


def count_full_collections() -> int | None:
    """How many there have been, in 1 µs; None where none of ours is to be had."""
    return gc.get_stats()[2]["collections"] if _may_collect() else None


def _may_collect() -> bool:
    """Not where the program has switched its collector off, and not for longer than 50 ms."""
    return gc.isenabled() and sys.getallocatedblocks() <= MOST_BLOCKS


class Collector:
    """Collects all garbage, in a fifth of a second and a thousandth of the time at most."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began_s = clock()
        self._spent_s = 0.0

    def collect(self) -> bool:
        """Collect now, holding the caller; False where that would cost too much."""
        began_s = self._clock()
        if self._spent_s > AT_ONCE_S + SHARE * (began_s - self._began_s) or not _may_collect():
            return False
        gc.collect()
        self._spent_s += self._clock() - began_s
        return True
