"""Live memory by line, function, file or scope, computed from one reading of the samples by pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple, get_args

from profiling.cases import Case, Cases
from profiling.records import (
    LiveMemory,
    LiveSite,
    OwnerKind,
    RunProfile,
    ScopeSummary,
    SiteKey,
    State,
    Verdict,
)
from profiling.samples.estimates import Estimate, SampleRow, SampleTable, users_frame
from profiling.samples.sampler import Label
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.samples.volumes import NOTHING, Volume, VolumeKey
from profiling.source import Place, short_path

LiveGroup = Literal["line", "function", "file", "scope"]
LIVE_GROUPS: tuple[LiveGroup, ...] = get_args(LiveGroup)
LiveOrder = Literal["live", "allocated"]
LIVE_ORDERS: tuple[LiveOrder, ...] = get_args(LiveOrder)
PlacesOf = Callable[[Iterable[SiteKey]], Mapping[SiteKey, Place]]


# Scope, path, line and function of a group of rows; a part that is not used for grouping is None. Not a named tuple,
# because there are thousands of keys, and Python's collector need not look into plain tuples of texts.
_Key = tuple[str | None, str | None, int | None, str | None]


@dataclass(slots=True)
class _Group(Estimate):
    """The sums over the rows of one site."""

    largest_bytes: float = 0.0
    stack: Sequence[int] = ()  # of the row that has this size
    allocated: Volume = NOTHING

    def add(self, row: SampleRow) -> None:
        Estimate.add(self, row)
        if row.figures[0] > self.largest_bytes:
            self.largest_bytes, self.stack = row.figures[0], row.stack


def live_memory(
    table: SampleTable,
    places_of: PlacesOf,
    rss_bytes: int,
    *,
    volumes: Iterable[tuple[VolumeKey, Volume]] = (),
    elsewhere_bytes: float = 0.0,
    group_by: LiveGroup = "line",
    order: LiveOrder = "live",
    limit: int = 20,
) -> LiveMemory:
    """Return the live memory by the user's line, function or file, or by scope. Reads files, so call this in a thread.

    Args:
        table: The samples of the whole process, or of one scope.
        places_of: Finds the short name and the text of lines.
        rss_bytes: The RSS of the process.
        volumes: What each line has allocated, whether it was freed since or not.
        elsewhere_bytes: What other lines have allocated, which are not remembered.
        group_by: What one site of the result stands for.
        order: Whether sites are ordered by live or by allocated bytes.
        limit: The highest number of sites to list.

    Raises:
        ValueError: There is no such group or order, or the limit is below 0. The message says what is accepted.
    """
    for name, given, known in (("group_by", group_by, LIVE_GROUPS), ("order", order, LIVE_ORDERS)):
        if given not in known:
            raise ValueError(f"{name} is one of {', '.join(known)}, not {given!r}")
    if limit < 0:
        raise ValueError(f"limit must be a number of sites, 0 or more, not {limit!r}")
    groups, unknown = _grouped(table, group_by)
    for volume_key, volume in volumes:
        key = _key_of_volume(volume_key, group_by)
        group = groups.get(key) or groups.setdefault(key, _Group())
        group.allocated += volume
    top = sorted(groups.items(), key=lambda entry: _rank(entry[0], entry[1], order))[:limit]
    places = places_of((path, line) for (_, path, line, _), _ in top if path is not None and line is not None)
    sites = tuple(_site(key, group, table, places) for key, group in top)
    every = [*groups.values(), unknown]
    attributed_bytes = sum(round(group.size_bytes) for group in groups.values())
    listed_bytes = sum(site.size_bytes for site in sites)
    return LiveMemory(
        group_by=group_by,
        size_bytes=attributed_bytes + round(unknown.size_bytes),
        error_bytes=_error(table, sum(each.variance for each in every)),
        count=round(sum(each.blocks for each in every)),
        unattributed_bytes=round(unknown.size_bytes),
        listed_bytes=listed_bytes,
        omitted_bytes=attributed_bytes - listed_bytes,
        rss_bytes=rss_bytes,
        bytes_per_sample=table.bytes_per_sample,
        sites=sites,
        allocated_bytes=round(sum(group.allocated.size_bytes for group in groups.values())),
        elsewhere_bytes=round(elsewhere_bytes),
    )


def _rank(key: _Key, group: _Group, order: LiveOrder) -> tuple[float, float, tuple[str, ...]]:
    live, allocated = -group.size_bytes, -group.allocated.size_bytes
    first, second = (live, allocated) if order == "live" else (allocated, live)
    return first, second, tuple(map(str, key))


def _grouped(table: SampleTable, group_by: LiveGroup) -> tuple[dict[_Key, _Group], Estimate]:
    """Return the groups, and the sum of all rows without a Python frame; the profiler's own rows are in neither."""
    frame_of, groups, unknown = users_frame(table.frames), dict[_Key, _Group](), Estimate()
    for row in table.rows():
        number = frame_of(row.stack) if len(row.stack) else None
        if number is None and len(row.stack):
            continue
        if group_by == "scope":
            key: _Key = row.job, None, None, None
        elif number is None:
            unknown.add(row)
            continue
        else:
            key = _key(table.frames[number], group_by)
        group = groups.get(key) or groups.setdefault(key, _Group())
        group.add(row)
    return groups, unknown


def _key(frame: tuple[str, str, int], group_by: LiveGroup) -> _Key:
    file, function, line = frame
    if group_by == "file":
        return None, file, None, None
    if group_by == "function":
        return None, file, None, function
    return None, file, line, function


def _key_of_volume(key: VolumeKey, group_by: LiveGroup) -> _Key:
    file, line = key.site
    return (key.job, None, None, None) if group_by == "scope" else _key((file, key.function, line), group_by)


def _site(key: _Key, group: _Group, table: SampleTable, places: Mapping[SiteKey, Place]) -> LiveSite:
    scope, path, line, function = key
    place = places[path, line] if path is not None and line is not None else None
    return LiveSite(
        scope=scope,
        path=path,
        file=None if path is None else short_path(path),
        line=line,
        function=function,
        source=place.source if place else None,
        size_bytes=round(group.size_bytes),
        error_bytes=_error(table, group.variance),
        count=round(group.blocks),
        stack=tuple((table.frames[number][0], table.frames[number][2]) for number in group.stack),
        allocated_bytes=round(group.allocated.size_bytes),
        allocated_count=round(group.allocated.blocks),
    )


def _error(table: SampleTable, variance: float) -> float:
    """Return the standard error of a sum, plus one sample that may not have been taken; see `profiling.samples`."""
    return math.sqrt(variance + table.coarsest_bytes**2)


class Owner(NamedTuple):
    """A scope, a job or what is outside both, with everything that is known about it without samples."""

    name: str
    kind: OwnerKind
    calls: int
    active: int
    calls_per_window: float  # mean
    runs: Sequence[RunProfile]  # its last runs or windows, oldest first
    verdict: Verdict | None


def summaries(table: SampleTable, owners: Iterable[Owner]) -> list[ScopeSummary]:
    """Return a summary of each owner, ordered by growth per hour, then by live bytes."""
    live, _ = _grouped(table, "scope")
    found = [_summary(owner, live.get((owner.name, None, None, None)), table) for owner in owners]
    return sorted(found, key=lambda each: (-(each.bytes_per_hour or 0.0), -each.live_bytes, each.name))


def _summary(owner: Owner, live: _Group | None, table: SampleTable) -> ScopeSummary:
    held = live or Estimate()
    per_window = _growth(owner.verdict)
    calls = sum(run.calls for run in owner.runs)
    allocated = [run.allocated_bytes for run in owner.runs if run.allocated_bytes is not None]
    return ScopeSummary(
        name=owner.name,
        kind=owner.kind,
        calls=owner.calls,
        active=owner.active,
        live_bytes=round(held.size_bytes),
        error_bytes=_error(table, held.variance),
        live_blocks=round(held.blocks),
        allocated_bytes_per_call=sum(allocated) / calls if calls and allocated else None,
        bytes_per_call=per_window / owner.calls_per_window
        if per_window is not None and owner.calls_per_window
        else None,
        bytes_per_hour=None if per_window is None else per_window * _windows_per_hour(owner.runs),
        verdict=owner.verdict,
    )


def _growth(verdict: Verdict | None) -> float | None:
    """Return the growth per window or run by the verdict, 0 if it is `stable`; None if there is no verdict yet."""
    if verdict is None or verdict.state is State.INSUFFICIENT_RUNS:
        return None
    return verdict.bytes_per_run if verdict.state is not State.STABLE else 0.0


def _windows_per_hour(runs: Sequence[RunProfile]) -> float:
    if not runs:
        return 0.0
    last = runs[-1]
    span = last.started_at + timedelta(seconds=last.duration_s) - runs[0].started_at
    return len(runs) * 3_600 / max(span.total_seconds(), 1e-9)


def owners(
    runs: Mapping[str, Sequence[RunProfile]], labels: Mapping[str, Label], active: Sequence[str], cases: Cases
) -> list[Owner]:
    """Return an owner for each name, with what is known about it.

    Args:
        runs: The last runs or windows of each owner, by name.
        labels: The labels of the scopes, by name.
        active: The job of each run that has not ended.
        cases: What is remembered about each owner.
    """
    return [_owner(name, runs[name], labels.get(name), active.count(name), cases.find(name)) for name in runs]


def _owner(name: str, runs: Sequence[RunProfile], label: Label | None, active: int, case: Case | None) -> Owner:
    is_outside = name == OUTSIDE_JOBS
    return Owner(
        name=name,
        kind=OwnerKind.OUTSIDE if is_outside else OwnerKind.SCOPE if label else OwnerKind.JOB,
        calls=label.calls if label else case.runs if case and not is_outside else 0,
        active=label.active if label else active,
        calls_per_window=case.calls_per_run if case else 1.0,
        runs=runs,
        verdict=case.verdict if case else None,
    )
