"""How many runs to watch a job before it is accused: fewer, the more harm it does."""

from __future__ import annotations

from dataclasses import dataclass

MIN_RUNS = 12
SLOW_AFTER_RUNS = 1_100  # until the memory is full, at this pace: such a job can wait
MAX_LEFT_SHARE = 1 / 7  # of the room that was left when it began, which a leak may take before it is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a job is watched at most, and what it may keep.

    A leak is told before it has taken a share of the room that was left, but after 12 runs at the earliest. So a cache
    is accused wrongly only if it takes more than that share of the room, or fills over more runs than these.
    """

    min_pace_bytes: float = 4_096.0  # per run: what grows more slowly takes months to matter

    usual_runs: int = 39  # a cache that fills over 35 runs has by then been full for four
    slow_runs: int = 66  # for what does no harm for long: by then a cache that fills over 60 runs has been full for six
    max_left_share: float = MAX_LEFT_SHARE

    def runs(self, bytes_per_run: float, left_bytes: float) -> int:
        """Return how many runs a job is watched before it is accused of growing at this pace.

        Args:
            bytes_per_run: The pace, above zero.
            left_bytes: What was left to the memory limit when the growth began.
        """
        runs_left = left_bytes / bytes_per_run
        if runs_left > SLOW_AFTER_RUNS:
            return self.slow_runs
        return round(min(self.usual_runs, max(MIN_RUNS, self.max_left_share * runs_left)))
