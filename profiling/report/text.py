"""Records to text for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator

from profiling.compare.diff import PlacesOf, largest
from profiling.records import Change, Outlook, RunDiff, RunProfile, SiteDiff, TimeDiff, Verdict
from profiling.source import Place
from profiling.units import format_bytes, format_change


def allocation_lines(run: RunProfile, places_of: PlacesOf, limit: int = 5) -> list[str]:
    """Return the lines that kept the most, largest first: `+1.8 MiB (+1200) volaris/jobs/prices.py:88 parse_quotes`.

    An estimate ends with its standard error. The list is empty if the run has no lines. Reads source files.
    """
    if run.best_lines is None:
        return []
    table = run.best_lines.retained
    rows = largest(table, limit)
    places = places_of(key for key, _, _ in rows)
    errors = dict(zip(table.keys, table.errors, strict=True)) if table.errors is not None else {}
    return [
        f"{format_change(size_bytes)} ({count:+d}) {_where(places[key], key[1])}{_plus_minus(errors.get(key))}"
        for key, size_bytes, count in rows
    ]


def _plus_minus(error_bytes: float | None) -> str:
    return "" if error_bytes is None else f" (estimate, ±{format_bytes(round(error_bytes))})"


def diff_to_text(diff: RunDiff, verdict: Verdict) -> str:
    """Return a comparison as a table: the totals, a row for each site with its source, and the verdict."""
    return "\n".join(_diff_lines(diff, verdict)) + "\n"


def time_diff_to_text(diff: TimeDiff) -> str:
    """Return the change over some seconds as a table."""
    jobs = f"{', '.join(diff.jobs)} running" if diff.jobs else "no job running"
    title = f"the process over {diff.seconds:.0f} s, by {diff.change.group_by}, with {jobs}"
    return "\n".join([title, *_change_lines(diff.change)]) + "\n"


def _diff_lines(diff: RunDiff, verdict: Verdict) -> Iterator[str]:
    yield f"{diff.run.job}: run {diff.run.id} against run {diff.against.id}, by {diff.change.group_by}"
    yield from _change_lines(diff.change)
    for run in (diff.run, diff.against):
        if run.degraded is not None:
            yield f"run {run.id} is less exact than level {run.level.value} promises: {run.degraded}"
    yield f"verdict: {verdict.state.value} - {verdict.reason}"
    if verdict.forecast is not None and verdict.forecast.outlook is Outlook.FULL:
        yield f"forecast: {verdict.forecast.reason}"


def _change_lines(change: Change) -> Iterator[str]:
    totals = change.totals
    yield (
        f"traced {format_change(totals.size_diff_bytes)} ({totals.count_diff:+d} blocks) = "
        f"attributed {format_change(totals.attributed_bytes)} + unattributed {format_change(totals.unattributed_bytes)}"
        f"; RSS {format_change(totals.rss_diff_bytes)}"
    )
    if change.bytes_per_sample is not None:
        yield f"the sizes are estimates, from one sample every {format_bytes(round(change.bytes_per_sample))}"
    yield f"{'change':>12} {'now':>11} {'blocks':>9}  where"
    for site in change.sites:
        yield from _site_lines(site)
    if totals.omitted_bytes:
        yield f"{format_change(totals.omitted_bytes):>12} {'':>11} {'':>9}  in lines not listed"


def _site_lines(site: SiteDiff) -> Iterator[str]:
    change, now = format_change(site.size_diff_bytes), format_bytes(site.size_bytes)
    where = _where(Place(site.file, site.function, site.source), site.line)
    yield f"{change:>12} {now:>11} {site.count_diff:>+9d}  {where}{_plus_minus(site.error_bytes)}"
    if site.source:
        yield f"{'':>34}    {site.source}"


def _where(place: Place, line: int | None) -> str:
    position = place.file if line is None else f"{place.file}:{line}"
    return f"{position} {place.function}" if place.function else position
