"""Which lines keep more with every run: pure functions over runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from profiling.records import UNKNOWN_SITE, LinesOfRun, Outcome, RunProfile, SiteKey
from profiling.verdict.growth import growing_part
from profiling.verdict.series import MIN_RUNS, WINDOW_RUNS
from profiling.verdict.statistics import theil_sen

MOST = 10
LEAST_BYTES = 1_024  # a run
LEAST_SHARE = 0.02  # of what all lines together keep
MAIN_SHARE = 0.2  # of what all lines together grow by: such a line is named where none is beyond doubt

Changes = Mapping[SiteKey, int]
"""What one run added, by line."""


def suspects(runs: Sequence[RunProfile], most: int = MOST) -> list[tuple[SiteKey, float]]:
    """Lines that the runs add to persistently, with their bytes a run, largest first; at most `most`.

    `runs` are those of a series that grows, oldest first; the totals have decided that, a line only says where. So
    where no line grows beyond doubt by itself, those are named that have a part in the growth of all.
    """
    changes = [_changes(lines) for lines in _lines_of(runs)][-WINDOW_RUNS:]
    candidates = _largest(changes, most)
    slopes = _in_few_runs(changes, candidates) if len(changes) < MIN_RUNS else _persistent(changes, candidates)
    return sorted((slopes or _with_a_part(changes, candidates)).items(), key=lambda entry: (-entry[1], entry[0]))


def _lines_of(runs: Sequence[RunProfile]) -> list[LinesOfRun]:
    """Those of the completed runs; exact ones where the last run has them, else estimates."""
    completed = [run for run in runs if run.outcome is Outcome.COMPLETED]
    if completed and completed[-1].own_lines is not None:
        return [run.own_lines for run in completed if run.own_lines is not None]
    return [run.samples for run in completed if run.samples is not None]


def _changes(lines: LinesOfRun) -> Changes:
    return {key: size_bytes for key, size_bytes, _ in lines.retained.rows() if key != UNKNOWN_SITE}


def _largest(changes: Sequence[Changes], most: int) -> list[SiteKey]:
    """The lines that kept most over all the runs."""
    totals: dict[SiteKey, int] = {}
    for change in changes:
        for key, size_bytes in change.items():
            totals[key] = totals.get(key, 0) + size_bytes
    kept = sum(size_bytes for size_bytes in totals.values() if size_bytes > 0)
    found = (key for key in totals if totals[key] > LEAST_SHARE * kept)
    return sorted(found, key=lambda key: (-totals[key], key))[:most]


def _in_few_runs(changes: Sequence[Changes], candidates: Sequence[SiteKey]) -> dict[SiteKey, float]:
    """Lines that each run added to: for the few exact runs of a series that follows a verdict."""
    levels = {key: _level(changes, key) for key in candidates}
    return {
        key: theil_sen([0.0, *level])[0]
        for key, level in levels.items()
        if all(later - earlier >= LEAST_BYTES for earlier, later in pairwise([0.0, *level]))
    }


def _persistent(changes: Sequence[Changes], candidates: Sequence[SiteKey]) -> dict[SiteKey, float]:
    """Lines that grow as a whole series would have to."""
    parts = {key: growing_part(_level(changes, key), LEAST_BYTES) for key in candidates}
    return {key: part.slope for key, part in parts.items() if part is not None}


def _with_a_part(changes: Sequence[Changes], candidates: Sequence[SiteKey]) -> dict[SiteKey, float]:
    """Lines that have a good part in the growth of all lines together, over the runs in which that grows."""
    total = list(accumulate(float(sum(change.values())) for change in changes))
    part = growing_part(total, LEAST_BYTES)
    if part is None:
        return {}
    slopes = {key: theil_sen(_level(changes, key)[-part.runs :])[0] for key in candidates}
    return {key: slope for key, slope in slopes.items() if slope >= max(LEAST_BYTES, MAIN_SHARE * part.slope)}


def _level(changes: Sequence[Changes], key: SiteKey) -> list[float]:
    """What the runs had added to the line by the end of each."""
    return [float(size_bytes) for size_bytes in accumulate(change.get(key, 0) for change in changes)]
