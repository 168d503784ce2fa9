"""Allocated memory so far, freed since or not, by job or scope and by line, which shows where a program churns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from profiling.forks import ForkLock
from profiling.records import UNKNOWN_SITE, SiteKey
from profiling.samples import sampler
from profiling.samples.estimates import SampleTable, users_frame
from profiling.stopwatch import Budget

MAX_LINES = 2_048  # lines that are remembered
LINE_BYTES = 300  # of one of them, estimated
KEPT_LINES = 1_024  # lines that are kept if there are more; the largest ones
# highest share of the CPU time for reading volumes between borders; stacks that are freed unread count as elsewhere
MAX_SHARE = 0.002
INITIAL_BUDGET_S = 0.02  # beyond that share


class VolumeKey(NamedTuple):
    """The key of a volume: a line of a job or scope."""

    job: str | None
    site: SiteKey
    function: str


class Volume(NamedTuple):
    """Estimated bytes and blocks that were allocated."""

    size_bytes: float
    blocks: float

    def __add__(self, other: object) -> Volume:
        """Return the sum of both."""
        if not isinstance(other, Volume):
            return NotImplemented
        return Volume(self.size_bytes + other.size_bytes, self.blocks + other.blocks)


NOTHING = Volume(0.0, 0.0)


class Volumes:
    """The volumes of all lines since sampling began; many small lines are added up into one figure."""

    def __init__(self) -> None:
        self._lines: dict[VolumeKey, Volume] = {}
        self._lock = ForkLock()
        self._budget = Budget(MAX_SHARE, time.process_time, at_once_s=INITIAL_BUDGET_S)
        self.elsewhere_bytes = 0.0  # allocated at lines that are not remembered
        self._followers: list[Callable[[SampleTable], None]] = []

    @contextmanager
    def followed(self, follower: Callable[[SampleTable], None]) -> Iterator[None]:
        """Pass on, with its stacks, what is allocated within the block."""
        self.update()
        self._followers.append(follower)
        try:
            yield
            self.update()
        finally:
            self._followers.remove(follower)

    def update(self, *, is_urgent: bool = True) -> None:
        """Add what was allocated since the last call. If this is not urgent, do so only while the time budget lasts."""
        if not sampler.is_on() or not (is_urgent or self._budget.is_left):
            return
        with self._budget.spend(), self._lock:
            table, purged_bytes = sampler.volumes()
            self.elsewhere_bytes += purged_bytes
            self._add(table)
            for follower in tuple(self._followers):
                follower(table)
            if len(self._lines) > MAX_LINES:
                self._forget_small_ones()

    def lines(self, job: str | None = None) -> Iterator[tuple[VolumeKey, Volume]]:
        """Yield the lines of one job or scope, or all lines."""
        with self._lock:
            lines = list(self._lines.items())
        return (entry for entry in lines if job is None or entry[0].job == job)

    def overhead_bytes(self) -> int:
        """Return the estimated size of all lines."""
        return LINE_BYTES * len(self._lines)

    def clear(self) -> None:
        """Forget everything, because sampling begins anew."""
        with self._lock:
            self._lines.clear()
            self.elsewhere_bytes = 0.0

    def _add(self, table: SampleTable) -> None:
        frame_of = users_frame(table.frames)
        for row in table.rows():
            key = VolumeKey(row.job, UNKNOWN_SITE, "")
            if len(row.stack):
                number = frame_of(row.stack)
                if number is None:  # the profiler's own
                    continue
                file, function, line = table.frames[number]
                key = VolumeKey(row.job, (file, line), function)
            self._lines[key] = self._lines.get(key, NOTHING) + Volume(row.figures[0], row.figures[2])

    def _forget_small_ones(self) -> None:
        ranked = sorted(self._lines, key=lambda key: -self._lines[key].size_bytes)
        for key in ranked[KEPT_LINES:]:
            self.elsewhere_bytes += self._lines.pop(key).size_bytes
