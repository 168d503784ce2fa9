"""Trims the C heap after work, because the C allocator keeps the memory that is freed until it is told to trim."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from profiling.process import composition
from profiling.records import TrimResult
from volaris.scheduler import JobRun, Report

# shortest interval: a trim takes a millisecond, in a thread, and its pages must be faulted in again when used
TRIM_EVERY_S = 60.0


class HeapTrimmer:
    """A report for the scheduler that passes runs on to another report, and then trims the C heap from time to time.

    Without it the RSS grew by a fifth over a day's schedule, all of it free chunks.
    """

    def __init__(
        self,
        report: Report,
        *,
        clock: Callable[[], float] = time.monotonic,
        trim: Callable[[], Awaitable[TrimResult]] = composition.trim,
    ) -> None:
        self._report = report
        self._clock = clock
        self._trim = trim
        self._trimmed_s = clock()

    async def report(self, run: JobRun, error: BaseException | None) -> None:
        """Pass the run on to the other report, then trim the heap if that is due."""
        await self._report(run, error)
        await self.trim_if_due()

    async def trim_if_due(self) -> None:
        """Trim the heap if the last trim was at least TRIM_EVERY_S ago."""
        if self._clock() - self._trimmed_s >= TRIM_EVERY_S:
            self._trimmed_s = self._clock()
            await self._trim()
