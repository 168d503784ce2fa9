"""The third kind of evidence: an exact counter that grows within the runs.

For the C heap: what malloc has handed out (mallinfo2's uordblks and hblkhd) less what Python itself has from malloc.
For exact lines, if no samples are to be had: what tracemalloc says that a run kept. With a full collection at both
ends of the runs no garbage is in the changes. Without one they justify a suspicion only.
"""

from __future__ import annotations

from collections.abc import Sequence

from profiling.verdict.statistics import middle, quarter_means

MIN_RUNS = 12
MIN_NATIVE_BYTES = 32_768.0  # per run: less is the allocator's own noise
MIN_EXACT_BYTES = 2_048.0  # per run
MIN_SHARE = 1 / 3  # of the middle pace, in every quarter


def steady_pace(changes: Sequence[float], least_bytes: float = MIN_NATIVE_BYTES) -> float | None:
    """Return the bytes per run by which a counter grows in every quarter of the runs, or None.

    Args:
        changes: The change within each run, oldest first.
        least_bytes: A pace below this is None.
    """
    if len(changes) < MIN_RUNS:
        return None
    means = quarter_means(changes)
    pace = middle(means)
    return pace if pace >= least_bytes and min(means) >= MIN_SHARE * pace else None
