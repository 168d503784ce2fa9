"""The peak of each run, also if runs overlap.

The kernel and tracemalloc each keep one high-water mark for the process. It is reset when a run starts. The value up to
then is folded into the runs in progress, so that none of them loses its peak.
"""

from __future__ import annotations

from profiling.process import usage
from profiling.traces import tracing


class Peak:
    """The highest RSS and traced memory of one run, up to the last fold; None if unknown."""

    __slots__ = ("rss_bytes", "traced_bytes")

    def __init__(self) -> None:
        self.rss_bytes: int | None = None
        self.traced_bytes: int | None = None

    def fold(self, rss_bytes: int | None, traced_bytes: int | None) -> None:
        """Raise each peak to the given value if that is higher."""
        self.rss_bytes = _higher(self.rss_bytes, rss_bytes)
        self.traced_bytes = _higher(self.traced_bytes, traced_bytes)


class Peaks:
    """The peaks of the runs in progress."""

    def __init__(self) -> None:
        self._open: set[Peak] = set()
        # if the kernel cannot reset the mark, only a rise above this value counts
        self._mark_at_reset_bytes: int | None = None

    def begin(self) -> Peak:
        """Start the peak of a run at the current memory."""
        self._fold()
        if usage.reset_peak():
            self._mark_at_reset_bytes = None
        else:
            self._mark_at_reset_bytes = usage.peak_rss_bytes()
        if tracing.is_on():
            tracing.reset_peak()
        peak = Peak()
        self._open.add(peak)
        return peak

    def end(self, peak: Peak) -> None:
        """Update the peak of a run to the present, and stop tracking it."""
        self._fold()
        self._open.discard(peak)

    def _fold(self) -> None:
        if not self._open:
            return
        rss_bytes = usage.peak_rss_bytes()
        if self._mark_at_reset_bytes is not None and rss_bytes is not None and rss_bytes <= self._mark_at_reset_bytes:
            rss_bytes = None
        traced_bytes = tracing.traced_peak_bytes() if tracing.is_on() else None
        for peak in self._open:
            peak.fold(rss_bytes, traced_bytes)


def _higher(one: int | None, other: int | None) -> int | None:
    return max(one, other) if one is not None and other is not None else one if other is None else other
