"""What the tests of the walk share: things to hold, and a walk over these alone."""

from __future__ import annotations

import gc
import itertools

import pytest

from profiling.process.object_walk import Walk
from profiling.records import GcStats, ObjectReport

MB = 1 << 20
NO_STATS = GcStats(collections=(0, 0, 0), threshold=(0, 0, 0), tracked_objects=0)


class Held:
    """Something that a program keeps."""

    def __init__(self, value: object = None) -> None:
        self.value = value


class SteppingClock:
    """A clock that goes on by so many seconds at each look."""

    def __init__(self, step_s: float) -> None:
        self._ticks = itertools.count()
        self._step_s = step_s

    def __call__(self) -> float:
        return next(self._ticks) * self._step_s


def look_at(*tracked: object) -> ObjectReport:
    """A walk over these objects alone, and what they refer to."""
    looking = Walk()
    frozen = looking.not_searched
    for _ in looking.steps(list(tracked)):
        pass
    looking.not_searched -= frozen
    return looking.report(NO_STATS, duration_s=0.0, stall_s=0.0)


def large(*tracked: object) -> list[str]:
    return [entry.repr for entry in look_at(*tracked).large_objects]


def let_go(container: object) -> None:
    """Collect until the collector no longer tracks this; of nested ones it lets go layer by layer."""
    for _ in range(100):
        if not gc.is_tracked(container):
            return
        gc.collect()
    pytest.fail("it holds more than plain values")
