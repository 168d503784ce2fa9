"""The readers of traces, one for each level, within a memory budget."""

from __future__ import annotations

from collections.abc import Callable

from profiling.records import Level
from profiling.source import innermost_user_frame
from profiling.traces.aggregation import SiteOf, innermost
from profiling.traces.reader import MemoryBudget, TraceReader


def site_of_level(level: Level) -> SiteOf:
    """Return how a trace of that level finds its site: the innermost frame, or for stacks the innermost user frame."""
    return innermost_user_frame if level is Level.STACKS else innermost


class TraceReaders:
    """One reader for each level, made when it is first needed.

    Args:
        budget_bytes: The memory that reading the traces may take for a moment.
        left_bytes: Returns the memory that is left below the limit.
    """

    def __init__(self, budget_bytes: int, left_bytes: Callable[[], int]) -> None:
        self._budget_bytes = budget_bytes
        self._left_bytes = left_bytes
        self._readers: dict[Level, TraceReader] = {}

    def of(self, level: Level) -> TraceReader:
        """Return the reader for that level."""
        made = self._readers.get(level)
        if made is None:
            made = self._readers[level] = TraceReader(site_of=site_of_level(level), room=self._budget)
        return made

    def _budget(self) -> MemoryBudget:
        left_bytes = self._left_bytes()
        if left_bytes < self._budget_bytes:
            return MemoryBudget(left_bytes, "the memory left below the limit")
        return MemoryBudget(self._budget_bytes, "the budget (PROFILING_BUDGET_MB)")
