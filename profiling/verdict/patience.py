"""How many runs to watch a job before it is accused: the more harm it does, the fewer."""

from __future__ import annotations

from dataclasses import dataclass

MIN_RUNS = 12
SLOW_AFTER_RUNS = 1_100  # runs until the memory is full at this pace; a job with more can wait
MAX_LEFT_SHARE = 1 / 7  # share of the memory left at its beginning that a leak may take before it is reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a job is watched at most before it is accused, and how much it may keep.

    A leak is reported before it has taken a share of the memory that was left, but after 12 runs at the earliest. So a
    cache is accused wrongly only if it takes more than that, or if it takes more runs to fill than the limits below.
    """

    min_pace_bytes: float = 4_096.0  # per run; slower growth takes months to matter

    usual_runs: int = 39  # a cache that fills within 35 runs has then been full for four
    # for slow growth that does no harm for long; a cache that fills within 60 runs has then been full for six
    slow_runs: int = 66
    max_left_share: float = MAX_LEFT_SHARE

    def runs(self, bytes_per_run: float, left_bytes: float) -> int:
        """Return how many runs a job is watched before it is accused of growing at this pace.

        Args:
            bytes_per_run: The pace, above zero.
            left_bytes: The memory that was left to the limit when the growth began.
        """
        runs_left = left_bytes / bytes_per_run
        if runs_left > SLOW_AFTER_RUNS:
            return self.slow_runs
        return round(min(self.usual_runs, max(MIN_RUNS, self.max_left_share * runs_left)))
