"""Comparison of two runs: pure functions over tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from profiling.errors import NotComparable
from profiling.records import (
    UNKNOWN_SITE,
    Change,
    DiffTotals,
    LineProfile,
    RunDiff,
    RunProfile,
    SiteDiff,
    SiteKey,
    SiteTable,
)
from profiling.source import Place, short_path

GroupBy = Literal["line", "file", "function"]
PlacesOf = Callable[[Iterable[SiteKey]], Mapping[SiteKey, Place]]

_Group = tuple[str, int | None, str | None]  # path, and the line or the function if that is what is grouped by
_Figures = tuple[int, int, int, int]  # bytes, their change, blocks, their change


def largest(table: SiteTable, limit: int) -> list[tuple[SiteKey, int, int]]:
    """Return the `limit` known lines with the most bytes, largest first. Lines that shrank are left out."""
    grown = [row for row in table.rows() if row[1] > 0 and row[0] != UNKNOWN_SITE]
    return sorted(grown, key=lambda row: (-row[1], row[0]))[:limit]


def compare(
    run: RunProfile, against: RunProfile, places_of: PlacesOf, *, group_by: GroupBy = "line", limit: int = 20
) -> RunDiff:
    """Return what is alive after `run` minus what was alive after `against`, whichever job allocated it.

    The sites are the `limit` largest changes by absolute bytes. If both runs have exact lines, the change is exact;
    otherwise it is estimated from the job's own samples. Raises NotComparable if a run has neither, or if tracing was
    off between the two runs. `places_of` reads files, so call this in a thread.
    """
    now, past = _lines_of_both(run, against)
    rss_diff_bytes = run.after.rss_bytes - against.after.rss_bytes
    return RunDiff(
        run=run,
        against=against,
        change=change_between(now, past, rss_diff_bytes, places_of, group_by=group_by, limit=limit),
    )


def change_between(
    now: LineProfile,
    past: LineProfile,
    rss_diff_bytes: int,
    places_of: PlacesOf,
    *,
    group_by: GroupBy = "line",
    limit: int = 20,
) -> Change:
    """Return what is alive now minus what was alive before, from two tables of one session of tracing or sampling."""
    rows = dict(now.live.beside(past.live))
    variances = _variances(now, past, rows)
    rows.pop(UNKNOWN_SITE, None)
    size_diff_bytes = now.traced_bytes - past.traced_bytes
    attributed_bytes = sum(row[1] for row in rows.values())
    sites = _largest_changes(rows, variances, places_of, group_by, limit)
    listed_bytes = sum(site.size_diff_bytes for site in sites)
    totals = DiffTotals(
        size_diff_bytes=size_diff_bytes,
        count_diff=now.live.count - past.live.count,
        attributed_bytes=attributed_bytes,
        unattributed_bytes=size_diff_bytes - attributed_bytes,
        listed_bytes=listed_bytes,
        omitted_bytes=attributed_bytes - listed_bytes,
        rss_diff_bytes=rss_diff_bytes,
    )
    bytes_per_sample = now.precision.bytes_per_sample if now.precision else None
    return Change(group_by=group_by, totals=totals, sites=sites, bytes_per_sample=bytes_per_sample)


def _lines_of_both(run: RunProfile, against: RunProfile) -> tuple[LineProfile, LineProfile]:
    pairs = [(run.exclusive_lines, against.exclusive_lines), (run.samples, against.samples)]
    for now, past in pairs:
        if now and past and now.session == past.session:
            return now, past
    for each in (run, against):
        if each.best_lines is None:
            why = each.degraded or f"it was profiled at level {each.level}"
            raise NotComparable(run.id, against.id, f"run {each.id} has no lines ({why})")
    if any(now and past for now, past in pairs):
        raise NotComparable(run.id, against.id, "tracing was switched off in between, which discarded its traces")
    raise NotComparable(run.id, against.id, "one of them has exact lines and the other has estimates")


def _variances(now: LineProfile, past: LineProfile, rows: dict[SiteKey, _Figures]) -> dict[SiteKey, float]:
    """Return the variance of each line's change; the result is empty if the lines are exact.

    If a line changed only within the later run, that run's own variance is used, because both runs share most samples.
    Otherwise the sum of both variances is an upper bound.
    """
    if now.live.errors is None:
        return {}
    retained, live, was = _errors(now.retained), _errors(now.live), _errors(past.live)
    changes = {key: size_diff_bytes for key, size_diff_bytes, _ in now.retained.rows()}
    return {
        key: retained[key] ** 2
        if key in changes and figures[1] == changes[key]
        else live.get(key, 0.0) ** 2 + was.get(key, 0.0) ** 2
        for key, figures in rows.items()
    }


def _errors(table: SiteTable) -> dict[SiteKey, float]:
    return dict(zip(table.keys, table.errors, strict=True)) if table.errors is not None else {}


def _summed(rows: dict[SiteKey, _Figures], group_of: Callable[[SiteKey], _Group]) -> dict[_Group, _Figures]:
    sums: dict[_Group, _Figures] = {}
    for key, figures in rows.items():
        group = group_of(key)
        size_bytes, size_diff_bytes, count, count_diff = sums.get(group, (0, 0, 0, 0))
        sums[group] = (
            size_bytes + figures[0],
            size_diff_bytes + figures[1],
            count + figures[2],
            count_diff + figures[3],
        )
    return sums


def _group_function(
    rows: dict[SiteKey, _Figures], places_of: PlacesOf, group_by: GroupBy
) -> Callable[[SiteKey], _Group]:
    """Return a function that maps a line to its group.

    The name of the function is only looked up in files in which something changed.
    """
    if group_by == "line":
        return lambda key: (*key, None)
    if group_by == "file":
        return lambda key: (key[0], None, None)
    changed_files = {path for (path, _), figures in rows.items() if figures[1] or figures[3]}
    places = places_of(key for key in rows if key[0] in changed_files)
    return lambda key: (key[0], None, places[key].function if key in places else None)


def _largest_changes(
    rows: dict[SiteKey, _Figures],
    variances: dict[SiteKey, float],
    places_of: PlacesOf,
    group_by: GroupBy,
    limit: int,
) -> tuple[SiteDiff, ...]:
    group_of = _group_function(rows, places_of, group_by)
    sums = _summed(rows, group_of)
    errors = _group_errors(variances, group_of)
    moved = [(group, figures) for group, figures in sums.items() if figures[1] or figures[3]]
    moved.sort(key=lambda entry: (-abs(entry[1][1]), entry[0][0], entry[0][1] or 0, entry[0][2] or ""))
    top = moved[:limit]
    places = places_of((path, line) for (path, line, _), _ in top if line is not None)
    return tuple(_site_diff(group, figures, errors.get(group), places) for group, figures in top)


def _group_errors(variances: dict[SiteKey, float], group_of: Callable[[SiteKey], _Group]) -> dict[_Group, float]:
    sums: dict[_Group, float] = {}
    for key, variance in variances.items():
        group = group_of(key)
        sums[group] = sums.get(group, 0.0) + variance
    return {group: math.sqrt(variance) for group, variance in sums.items()}


def _site_diff(
    group: _Group, figures: _Figures, error_bytes: float | None, places: Mapping[SiteKey, Place]
) -> SiteDiff:
    path, line, function = group
    place = places[path, line] if line is not None else Place(short_path(path), function, None)
    return SiteDiff(
        file=place.file,
        path=path,
        line=line,
        function=place.function,
        source=place.source,
        size_bytes=figures[0],
        size_diff_bytes=figures[1],
        count=figures[2],
        count_diff=figures[3],
        error_bytes=error_bytes,
    )
