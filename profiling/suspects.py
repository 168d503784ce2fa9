"""Which lines keep more with every run: pure functions over runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from profiling.records import UNKNOWN_SITE, LinesOfRun, RunProfile, SiteKey
from profiling.robust import theil_sen
from profiling.trend import growing_part

MOST = 10
LEAST_BYTES = 1_024  # a run
LEAST_SHARE = 0.02  # of what all lines together keep


def suspects(runs: Sequence[RunProfile], most: int = MOST) -> list[tuple[SiteKey, float]]:
    """Lines that the runs add to persistently, with their bytes a run, largest first; at most `most`.

    `runs` are those of a series that grows, oldest first; the totals have decided that, a line only says where.
    """
    changes = [_changes(lines) for lines in _lines_of(runs)]
    totals: dict[SiteKey, int] = {}
    for change in changes:
        for key, size_bytes in change.items():
            totals[key] = totals.get(key, 0) + size_bytes
    kept = sum(size_bytes for size_bytes in totals.values() if size_bytes > 0)
    candidates = sorted((key for key in totals if totals[key] > LEAST_SHARE * kept), key=lambda key: -totals[key])
    found = []
    for key in candidates[:most]:
        level = list(accumulate((change.get(key, 0) for change in changes), initial=0))[1:]
        if growing_part([float(size_bytes) for size_bytes in level], LEAST_BYTES) is not None:
            found.append((key, theil_sen([float(size_bytes) for size_bytes in level])[0]))
    return sorted(found, key=lambda entry: -entry[1])


def _lines_of(runs: Sequence[RunProfile]) -> list[LinesOfRun]:
    """Exact ones where the last run has them, else estimates."""
    if runs and runs[-1].lines is not None:
        return [run.lines for run in runs if run.lines is not None]
    return [run.samples for run in runs if run.samples is not None]


def _changes(lines: LinesOfRun) -> dict[SiteKey, int]:
    return {key: size_bytes for key, size_bytes, _ in lines.retained.rows() if key != UNKNOWN_SITE}
