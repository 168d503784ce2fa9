"""Scopes and live memory as dicts for JSON, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from profiling.records import LiveMemory, LiveSite, ScopeSummary, State
from profiling.report.json import verdict_to_dict
from profiling.source import short_path
from profiling.units import format_bytes, format_change, to_mb

Json = dict[str, Any]


def scopes_to_dict(scopes: Sequence[ScopeSummary], limit: int) -> Json:
    """Return the answer of `/scopes`: the first `limit` scopes, and the number of the others."""
    return {"scopes": [scope_to_dict(scope) for scope in scopes[:limit]], "omitted": max(0, len(scopes) - limit)}


def scope_to_dict(scope: ScopeSummary) -> Json:
    """Return a scope as a dict, with what it holds and whether it grows."""
    return {
        "scope": scope.name,
        "kind": scope.kind.value,
        "calls": scope.calls,
        "active": scope.active,
        "live_bytes": scope.live_bytes,
        "error_bytes": round(scope.error_bytes),
        "live_blocks": scope.live_blocks,
        "allocated_bytes_per_call": _rounded(scope.allocated_bytes_per_call),
        "bytes_per_call": _rounded(scope.bytes_per_call),
        "bytes_per_hour": _rounded(scope.bytes_per_hour),
        "verdict": verdict_to_dict(scope.verdict) if scope.verdict else None,
    }


def scopes_to_text(scopes: Sequence[ScopeSummary], limit: int) -> str:
    """Return the scopes as a table, the fastest growing one first."""
    return "\n".join(_scope_lines(scopes[:limit], len(scopes) - limit)) + "\n"


def _scope_lines(scopes: Sequence[ScopeSummary], omitted: int) -> Iterator[str]:
    head = f"{'calls':>9} {'live':>11} {'allocated/call':>14} {'growth/call':>11} {'growth/hour':>12}"
    yield f"{head}  {'verdict':<17} scope"
    for scope in scopes:
        state = scope.verdict.state if scope.verdict else State.INSUFFICIENT_RUNS
        yield (
            f"{scope.calls:>9} {format_bytes(scope.live_bytes):>11} {_bytes(scope.allocated_bytes_per_call):>14} "
            f"{_change(scope.bytes_per_call):>11} {_change(scope.bytes_per_hour):>12}  {state.value:<17} {scope.name}"
        )
        if scope.verdict and state.is_accusation:
            for suspect in scope.verdict.suspects[:3]:
                yield f"{'':>63}  {short_path(suspect.site[0])}:{suspect.site[1]}"
    if omitted > 0:
        yield f"{omitted} more are not listed"


def live_to_dict(live: LiveMemory) -> Json:
    """Return the answer of `/memory/live`."""
    return {
        "group_by": live.group_by,
        "sampled_every_bytes": live.bytes_per_sample,
        "rss_mb": to_mb(live.rss_bytes),
        "totals": {
            "size_bytes": live.size_bytes,
            "error_bytes": round(live.error_bytes),
            "count": live.count,
            "attributed_bytes": live.size_bytes - live.unattributed_bytes,
            "unattributed_bytes": live.unattributed_bytes,
            "listed_bytes": live.listed_bytes,
            "omitted_bytes": live.omitted_bytes,
        },
        "allocated": {"attributed_bytes": live.allocated_bytes, "unattributed_bytes": live.elsewhere_bytes},
        "sites": [_site_to_dict(site) for site in live.sites],
    }


def _site_to_dict(site: LiveSite) -> Json:
    return {
        "scope": site.scope,
        "file": site.file,
        "line": site.line,
        "function": site.function,
        "source": site.source,
        "size_bytes": site.size_bytes,
        "error_bytes": round(site.error_bytes),
        "count": site.count,
        "allocated_bytes": site.allocated_bytes,
        "allocated_count": site.allocated_count,
        "path": site.path,
        "stack": [f"{short_path(file)}:{line}" for file, line in site.stack],
    }


def live_to_text(live: LiveMemory) -> str:
    """Return the live memory as a table."""
    return "\n".join(_live_lines(live)) + "\n"


def _live_lines(live: LiveMemory) -> Iterator[str]:
    yield (
        f"alive {format_bytes(live.size_bytes)} ±{format_bytes(round(live.error_bytes))} of Python's heap, by "
        f"{live.group_by}; RSS {format_bytes(live.rss_bytes)}"
    )
    yield f"estimates, from one sample every {format_bytes(round(live.bytes_per_sample))}"
    yield f"{'alive':>12} {'blocks':>9} {'allocated':>12}  where"
    for site in live.sites:
        allocated = format_bytes(site.allocated_bytes)
        yield f"{format_bytes(site.size_bytes):>12} {site.count:>9d} {allocated:>12}  {_where(site)}"
        if site.source:
            yield f"{'':>39}{site.source}"
    if live.omitted_bytes:
        yield f"{format_bytes(live.omitted_bytes):>12} {'':>22}  not listed"
    if live.unattributed_bytes:
        yield f"{format_bytes(live.unattributed_bytes):>12} {'':>22}  allocated where no Python code was at work"


def _where(site: LiveSite) -> str:
    if site.file is None:
        return site.scope or "(before scopes were known)"
    position = site.file if site.line is None else f"{site.file}:{site.line}"
    return f"{position} {site.function}" if site.function else position


def _rounded(size_bytes: float | None) -> int | None:
    return None if size_bytes is None else round(size_bytes)


def _bytes(size_bytes: float | None) -> str:
    return "" if size_bytes is None else format_bytes(round(size_bytes))


def _change(size_bytes: float | None) -> str:
    return "" if size_bytes is None else format_change(round(size_bytes))
