"""The report at a program's end: the verdicts, what holds most memory, and what grew."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from profiling.errors import SamplerUnavailable, UnknownJob
from profiling.profiler import Profiler
from profiling.records import RunProfile, ScopeSummary, SiteKey, State
from profiling.report.scopes import live_to_text, scopes_to_text
from profiling.source import short_path
from profiling.units import format_bytes, format_change
from profiling.verdict.forecast import format_duration

MAX_SCOPES = 10
MAX_LINES = 10
GROWS = {State.LEAKING, State.NATIVE_GROWTH, State.GROWING}
SURE = 2.0  # standard errors; a line is listed if it has grown by more


class Growth(NamedTuple):
    """The growth of one line of a scope."""

    size_diff_bytes: int
    scope: str
    site: SiteKey
    since: datetime


def farewell(profiler: Profiler) -> str:
    """Return the report, after a collection of all garbage."""
    gc.collect()
    return "\n".join(_lines(profiler)) + "\n"


def _lines(profiler: Profiler) -> Iterator[str]:
    usage = profiler.usage()
    yield f"profiling: process {os.getpid()} ends with {format_bytes(usage.rss_bytes)} RSS"
    try:
        profiler.end_windows()
        scopes, live = profiler.scopes(), profiler.live(limit=MAX_LINES)
    except SamplerUnavailable as error:
        yield f"No samples were taken: {error}"
        return
    yield from _verdicts(profiler, scopes)
    yield ""
    yield scopes_to_text(scopes, MAX_SCOPES)
    yield live_to_text(live)
    yield from _growth_lines([growth for scope in scopes for growth in grown(_windows(profiler, scope.name))])


def _windows(profiler: Profiler, scope: str) -> Sequence[RunProfile]:
    try:
        return profiler.runs(scope)
    except UnknownJob:
        return ()


def _verdicts(profiler: Profiler, scopes: Sequence[ScopeSummary]) -> Iterator[str]:
    """Yield a sentence for each scope and job that grows."""
    for scope in scopes:
        verdict = profiler.verdict(scope.name) if _windows(profiler, scope.name) else None
        if verdict is not None and verdict.state in GROWS:
            yield f"{scope.name} is {verdict.state.value}: {verdict.reason}"


def grown(windows: Sequence[RunProfile]) -> list[Growth]:
    """Return the lines that hold more after a scope's last window than after its first, by more than chance."""
    if len(windows) < 2 or windows[0].samples is None or windows[-1].samples is None:
        return []
    first, last = windows[0], windows[-1]
    was, now = windows[0].samples.live, windows[-1].samples.live
    errors = dict(zip(now.keys, now.errors or [0.0] * len(now.keys), strict=True))
    since = first.started_at.astimezone(UTC)
    return [
        Growth(size_diff_bytes, last.job, site, since)
        for site, (_, size_diff_bytes, _, _) in now.beside(was)
        if size_diff_bytes > SURE * errors.get(site, 0.0)
    ]


def _growth_lines(growths: Sequence[Growth]) -> Iterator[str]:
    if not growths:
        return
    first = min(growth.since for growth in growths)
    ago = format_duration((datetime.now(UTC) - first).total_seconds())
    yield f"grown since the first windows, {ago} ago"
    yield f"{'grown':>12}  where"
    for growth in sorted(growths, reverse=True)[:MAX_LINES]:
        site = f"{short_path(growth.site[0])}:{growth.site[1]}"
        yield f"{format_change(growth.size_diff_bytes):>12}  {site} ({growth.scope})"
