"""The second kind of evidence: one object that grows larger and larger.

Examples are a DataFrame that is concatenated, bytes that are joined, and a history that is loaded and stored again.
Every run replaces the object, so its survivors are always young. Their total at a line must rise in every quarter of
the runs. Blocks several times larger than the bytes per sample are practically always sampled, so their total has
hardly any sampling noise. Small blocks need many samples, nearly all of them young, because each total is then drawn
anew. Older samples stay, so that their total is a random walk, which may rise by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from profiling.verdict.statistics import GROUPS, mann_kendall_z, quarter_means

MIN_RUNS = 15  # with fewer, RISING_Z cannot be reached even if each total is above the one before
MIN_PACE_BYTES = 4_096.0  # per run
MIN_STEP_SHARE = 1 / 3  # of the mean step from quarter to quarter, in every step
RISING_Z = 5.0
MIN_YOUNG_SHARE = 0.8  # share of the bytes that was allocated in the last runs, because every run replaces the object
YOUNG_RUNS = 3
FEW_BLOCKS = 3  # or so few blocks that they must be one object, because a bytearray grows in place for many runs
MIN_LARGE_SHARE = 0.8  # share of the bytes at the line that is in large blocks
MIN_SAMPLES = 64  # of small blocks; their total is then known within an eighth


def swelling_pace(
    totals: Sequence[float], *, large_share: float, young_share: float, blocks: float, samples: int
) -> float | None:
    """Return the bytes per run by which an object at one line swells, or None if it does not.

    Args:
        totals: Bytes alive at the line after each of the last runs, oldest first.
        large_share: The share of these bytes that is now in large blocks.
        young_share: The share of these bytes that was allocated in the last three runs.
        blocks: The number of large blocks alive at the line. A ring of frames has more, and is not a swelling object.
        samples: The number of samples at the line.
    """
    is_young = young_share >= MIN_YOUNG_SHARE
    is_large = large_share >= MIN_LARGE_SHARE and (is_young or blocks <= FEW_BLOCKS)
    if len(totals) < MIN_RUNS or not (is_large or (is_young and samples >= MIN_SAMPLES)):
        return None
    steps = [later - earlier for earlier, later in pairwise(quarter_means(totals))]
    mean_step = sum(steps) / len(steps)
    pace = mean_step * GROUPS / len(totals)
    if pace < MIN_PACE_BYTES or min(steps) < MIN_STEP_SHARE * mean_step:
        return None
    return pace if mann_kendall_z(totals) >= RISING_Z else None
