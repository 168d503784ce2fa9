"""A trim of the C heap after runs: what jobs free between survivors stays with the C allocator until somebody asks."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from profiling.process import composition
from profiling.records import TrimResult
from volaris.scheduler import JobRun, Report

TRIM_EVERY_S = 60.0  # at most: it takes a millisecond, in a thread, and what was given back is faulted in anew


class HeapTrimmer:
    """A report of the scheduler that passes runs on to another, and then trims the C allocator's heap now and then.

    Without it the RSS crept up by a fifth over a day's schedule, all of it free chunks.
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
        """Pass the run on to the other report, then trim the heap if the last trim was TRIM_EVERY_S ago or more."""
        await self._report(run, error)
        if self._clock() - self._trimmed_s >= TRIM_EVERY_S:
            self._trimmed_s = self._clock()
            await self._trim()
