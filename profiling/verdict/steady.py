"""The third kind of evidence: an exact counter that grows within the runs.

- For the C heap, it is what malloc has handed out (mallinfo2's uordblks and hblkhd), minus what Python has got from
  malloc.
- For exact lines, which are used if there are no samples, it is what each run kept according to tracemalloc.

With a full collection at both ends of a run, its change includes no garbage. Without one, growth is only a suspicion.
"""

from __future__ import annotations

from collections.abc import Sequence

from profiling.verdict.statistics import middle, quarter_means

MIN_RUNS = 12
MIN_NATIVE_BYTES = 32_768.0  # per run; less is noise of the allocator
MIN_EXACT_BYTES = 2_048.0  # per run
MIN_SHARE = 1 / 3  # of the median pace, in every quarter


def steady_pace(changes: Sequence[float], least_bytes: float = MIN_NATIVE_BYTES) -> float | None:
    """Return the bytes per run by which a counter grows in every quarter of the runs, or None.

    Args:
        changes: The change within each run, oldest first.
        least_bytes: For a slower pace, return None.
    """
    if len(changes) < MIN_RUNS:
        return None
    means = quarter_means(changes)
    pace = middle(means)
    return pace if pace >= least_bytes and min(means) >= MIN_SHARE * pace else None
