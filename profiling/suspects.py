"""Which lines keep more with every run: pure functions over runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from profiling.records import UNKNOWN_SITE, LinesOfRun, RunProfile, SiteKey
from profiling.robust import theil_sen
from profiling.trend import MIN_RUNS, growing_part

MOST = 10
LEAST_BYTES = 1_024  # a run
LEAST_SHARE = 0.02  # of what all lines together keep


def suspects(runs: Sequence[RunProfile], most: int = MOST) -> list[tuple[SiteKey, float]]:
    """Lines that the runs add to persistently, with their bytes a run, largest first; at most `most`.

    `runs` are those of a series that grows, oldest first; the totals have decided that, a line only says where.
    """
    changes = [_changes(lines) for lines in _lines_of(runs)]
    is_persistent = _grows_each_run if len(changes) < MIN_RUNS else _grows
    totals: dict[SiteKey, int] = {}
    for change in changes:
        for key, size_bytes in change.items():
            totals[key] = totals.get(key, 0) + size_bytes
    kept = sum(size_bytes for size_bytes in totals.values() if size_bytes > 0)
    candidates = sorted((key for key in totals if totals[key] > LEAST_SHARE * kept), key=lambda key: -totals[key])
    found = []
    for key in candidates[:most]:
        level = [float(size_bytes) for size_bytes in accumulate(change.get(key, 0) for change in changes)]
        if is_persistent(level):
            found.append((key, theil_sen(level)[0] if len(level) > 1 else level[0]))
    return sorted(found, key=lambda entry: -entry[1])


def _grows(level: Sequence[float]) -> bool:
    return growing_part(level, LEAST_BYTES) is not None


def _grows_each_run(level: Sequence[float]) -> bool:
    """For the few exact runs of a series that follows a verdict."""
    return all(later - earlier >= LEAST_BYTES for earlier, later in pairwise([0.0, *level]))


def _lines_of(runs: Sequence[RunProfile]) -> list[LinesOfRun]:
    """Exact ones where the last run has them, else estimates."""
    if runs and runs[-1].own_lines is not None:
        return [run.own_lines for run in runs if run.own_lines is not None]
    return [run.samples for run in runs if run.samples is not None]


def _changes(lines: LinesOfRun) -> dict[SiteKey, int]:
    return {key: size_bytes for key, size_bytes, _ in lines.retained.rows() if key != UNKNOWN_SITE}
