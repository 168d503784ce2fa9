"""Records to plain dicts for JSON, with the keys that the HTTP contract fixes."""

from __future__ import annotations

from typing import Any

from profiling.compare.diff import PlacesOf, largest
from profiling.records import (
    Accusation,
    Bound,
    Change,
    Composition,
    Cost,
    Forecast,
    LargeObject,
    LineProfile,
    MemoryUsage,
    ObjectReport,
    Precision,
    ProfilerStatistics,
    RunDiff,
    RunProfile,
    SamplerStatistics,
    SiteDiff,
    SiteTable,
    TimeDiff,
    TrimResult,
    TypeCount,
    Verdict,
)
from profiling.report.advice import explain
from profiling.source import short_path
from profiling.units import to_mb

Json = dict[str, Any]


def run_to_dict(run: RunProfile) -> Json:
    """Return a run without its tables of lines."""
    return {
        "id": run.id,
        "job": run.job,
        "level": run.level.value,
        "outcome": run.outcome.value,
        "started_at": run.started_at.isoformat(),
        "duration_s": round(run.duration_s, 6),
        "rss_mb": to_mb(run.after.rss_bytes),
        "rss_diff_bytes": run.rss_diff_bytes,
        "peak_mb": _mb(run.peak_rss_bytes),
        "memory_percent": round(run.percent, 1),
        "blocks_diff": run.after.blocks - run.before.blocks,
        "held_free_mb": _mb(run.after.c_heap_free_bytes),
        "lines": _lines_to_dict(run.lines) if run.lines else None,
        "samples": _lines_to_dict(run.samples) if run.samples else None,
        "overlapped_with": list(run.overlapped_with),
        "collected": run.collected,
        "degraded": run.degraded,
        "cost": cost_to_dict(run.cost),
    }


def run_with_sites_to_dict(run: RunProfile, places_of: PlacesOf, limit: int) -> Json:
    """Return a run with the `limit` lines that kept the most, and with those that held the most at the peak, if known.

    Reads source files.
    """
    retained = run.best_lines.retained if run.best_lines else None
    peak = run.samples.precision.peak if run.samples and run.samples.precision else None
    return run_to_dict(run) | {
        "sites": _largest_to_dicts(retained, places_of, limit, "size_diff_bytes", "count_diff") if retained else [],
        "peak_sites": _largest_to_dicts(peak, places_of, limit, "size_bytes", "count") if peak else None,
    }


def _largest_to_dicts(table: SiteTable, places_of: PlacesOf, limit: int, size_key: str, count_key: str) -> list[Json]:
    rows = largest(table, limit)
    places = places_of(key for key, _, _ in rows)
    errors = dict(zip(table.keys, table.errors, strict=True)) if table.errors is not None else {}
    return [
        {
            "file": places[key].file,
            "line": key[1],
            "function": places[key].function,
            "source": places[key].source,
            size_key: size_bytes,
            count_key: count,
            "error_bytes": _rounded(errors.get(key)),
        }
        for key, size_bytes, count in rows
    ]


def diff_to_dict(diff: RunDiff, verdict: Verdict) -> Json:
    """Return the answer of `/memory/diff` as the HTTP contract has it."""
    return {
        "job": diff.run.job,
        "run": run_to_dict(diff.run),
        "against": run_to_dict(diff.against),
        **_change_to_dict(diff.change),
        "verdict": verdict_to_dict(verdict),
    }


def time_diff_to_dict(diff: TimeDiff) -> Json:
    """Return the change over some seconds."""
    return {
        "seconds": round(diff.seconds, 3),
        "collected": diff.collected,
        "jobs": list(diff.jobs),
        "rss_mb": to_mb(diff.usage.rss_bytes),
        "memory_percent": round(diff.usage.percent, 1),
        **_change_to_dict(diff.change),
        "cost": cost_to_dict(diff.cost),
    }


def trimmed_to_dict(trimmed: TrimResult) -> Json:
    """Return the result of asking the C allocator to give memory back."""
    return {
        "supported": trimmed.supported,
        "given_back_mb": to_mb(max(0, trimmed.rss_before_bytes - trimmed.rss_after_bytes)),
        "rss_before_mb": to_mb(trimmed.rss_before_bytes),
        "rss_after_mb": to_mb(trimmed.rss_after_bytes),
        "c_heap_free_before_mb": _mb(trimmed.c_heap_free_before_bytes),
        "c_heap_free_after_mb": _mb(trimmed.c_heap_free_after_bytes),
        "duration_ms": round(trimmed.duration_s * 1e3, 2),
    }


def _change_to_dict(change: Change) -> Json:
    return {
        "group_by": change.group_by,
        "sampled_every_bytes": change.bytes_per_sample,
        "totals": {
            "size_diff_bytes": change.totals.size_diff_bytes,
            "count_diff": change.totals.count_diff,
            "attributed_bytes": change.totals.attributed_bytes,
            "unattributed_bytes": change.totals.unattributed_bytes,
            "listed_bytes": change.totals.listed_bytes,
            "omitted_bytes": change.totals.omitted_bytes,
            "rss_diff_bytes": change.totals.rss_diff_bytes,
        },
        "sites": [_site_to_dict(site) for site in change.sites],
    }


def memory_to_dict(
    usage: MemoryUsage, objects: ObjectReport, composition: Composition, statistics: ProfilerStatistics
) -> Json:
    """Return the answer of `/memory` as the HTTP contract has it."""
    return {
        "current_usage": {
            "rss_mb": to_mb(usage.rss_bytes),
            "vms_mb": to_mb(usage.vms_bytes),
            "percent": round(usage.percent, 1),
            "available_mb": to_mb(usage.available_bytes),
            "total_mb": to_mb(usage.limit.limit_bytes),
            "total_from": usage.limit.source,
        },
        "top_objects": [_type_to_dict(entry) for entry in objects.top_types],
        "large_objects": [_large_to_dict(entry) for entry in objects.large_objects],
        "gc_stats": {
            "collections": list(objects.gc_stats.collections),
            "threshold": list(objects.gc_stats.threshold),
            "tracked_objects": objects.gc_stats.tracked_objects,
        },
        "composition": _composition_to_dict(composition),
        "tracing": statistics_to_dict(statistics),
        "walk": {
            "duration_s": round(objects.duration_s, 4),
            "stall_ms": round(objects.stall_s * 1e3, 2),
            "not_searched": objects.not_searched,
        },
    }


def verdict_to_dict(verdict: Verdict) -> Json:
    """Return a verdict, with its forecast, accusation and suspects."""
    return {
        "state": verdict.state.value,
        "reason": verdict.reason,
        "runs": verdict.runs,
        "bytes_per_run": verdict.bytes_per_run,
        "interval_bytes": list(verdict.interval_bytes) if verdict.interval_bytes else None,
        "native_bytes_per_run": verdict.native_bytes_per_run,
        "accusation": _accusation_to_dict(verdict.accusation) if verdict.accusation else None,
        "bound": _bound_to_dict(verdict.bound) if verdict.bound else None,
        "forecast": _forecast_to_dict(verdict.forecast) if verdict.forecast else None,
        "suspects": [
            {
                "site": {"file": short_path(suspect.site[0]), "line": suspect.site[1]},
                "bytes_per_run": round(suspect.bytes_per_run),
                "stack": [f"{short_path(file)}:{line}" for file, line in suspect.stack],
            }
            for suspect in verdict.suspects
        ],
    }


def _bound_to_dict(bound: Bound) -> Json:
    return {"kind": bound.kind, "items": bound.items, "max_items": bound.max_items}


def _accusation_to_dict(accusation: Accusation) -> Json:
    site = accusation.site
    return {
        "state": accusation.state.value,
        "since_run": accusation.since_run,
        "births": list(accusation.births),
        "site": None if site is None else {"file": short_path(site[0]), "line": site[1]},
        "bytes_held": round(accusation.bytes_held),
        "bytes_per_run": round(accusation.bytes_per_run),
    }


def _forecast_to_dict(forecast: Forecast) -> Json:
    return {
        "outlook": forecast.outlook.value,
        "reason": forecast.reason,
        "full_in_s": _rounded(forecast.full_in_s),
        "interval_s": [_rounded(end) for end in forecast.interval_s] if forecast.interval_s else None,
        "full_at": forecast.full_at.isoformat() if forecast.full_at else None,
    }


def statistics_to_dict(statistics: ProfilerStatistics) -> Json:
    """Return what the profiler is doing, and the sizes of what it keeps."""
    return {
        "level": statistics.level.value,
        "tracing": statistics.tracing,
        "active_jobs": list(statistics.active_jobs),
        "runs": statistics.runs,
        "history_runs": statistics.history_runs,
        "history_mb": to_mb(statistics.history_bytes),
        "tracemalloc_mb": to_mb(statistics.tracemalloc_bytes),
        "sampler": _sampler_to_dict(statistics.sampler) if statistics.sampler else None,
        "series_of": statistics.series_of,
        "lost_share": None if statistics.lost_share is None else round(statistics.lost_share, 4),
    }


def _sampler_to_dict(statistics: SamplerStatistics) -> Json:
    return {
        "sampled_every_bytes": statistics.bytes_per_sample,
        "alive": statistics.alive,
        "taken": statistics.taken,
        "lost": statistics.lost,
        "stacks": statistics.stacks,
        "mb": to_mb(statistics.table_bytes),
    }


def cost_to_dict(cost: Cost) -> Json:
    """Return the profiler's own cost, in ms and in MB of 2**20 bytes."""
    return {
        "duration_ms": round(cost.duration_s * 1e3, 2),
        "stall_ms": round(cost.stall_s * 1e3, 2),
        "memory_mb": to_mb(cost.memory_bytes),
    }


def _lines_to_dict(lines: LineProfile) -> Json:
    return {
        "traced_mb": to_mb(lines.traced_bytes),
        "traced_diff_bytes": lines.traced_diff_bytes,
        "traced_peak_mb": _mb(lines.traced_peak_bytes),
        "profiler_mb": to_mb(lines.profiler_bytes),
        "traces": lines.traces,
        "sites": len(lines.live),
        "period": lines.session,
    } | (_precision_to_dict(lines.precision) if lines.precision else {})


def _precision_to_dict(precision: Precision) -> Json:
    return {
        "sampled_every_bytes": precision.bytes_per_sample,
        "traced_error_bytes": round(precision.live_error_bytes),
        "traced_diff_error_bytes": round(precision.retained_error_bytes),
    }


def _site_to_dict(site: SiteDiff) -> Json:
    return {
        "file": site.file,
        "line": site.line,
        "function": site.function,
        "source": site.source,
        "size_bytes": site.size_bytes,
        "size_diff_bytes": site.size_diff_bytes,
        "count": site.count,
        "count_diff": site.count_diff,
        "path": site.path,
        "error_bytes": _rounded(site.error_bytes),
    }


def _type_to_dict(entry: TypeCount) -> Json:
    return {"type": entry.type, "count": entry.count, "avg_size_bytes": round(entry.avg_size_bytes, 1)}


def _large_to_dict(entry: LargeObject) -> Json:
    return {"type": entry.type, "size_mb": to_mb(entry.size_bytes), "repr": entry.repr}


def _composition_to_dict(composition: Composition) -> Json:
    return {
        "rss_mb": to_mb(composition.rss_bytes),
        "anonymous_mb": _mb(composition.anonymous_bytes),
        "file_backed_mb": _mb(composition.file_backed_bytes),
        "swapped_mb": _mb(composition.swapped_bytes),
        "c_heap_used_mb": _mb(composition.c_heap_used_bytes),
        "c_heap_free_mb": _mb(composition.c_heap_free_bytes),
        "arenas_mb": _mb(composition.arenas_bytes),
        "arenas_used_mb": _mb(composition.arenas_used_bytes),
        "arenas_free_mb": _mb(composition.arenas_free_bytes),
        "traced_mb": _mb(composition.traced_bytes),
        "profiler_mb": to_mb(composition.profiler_bytes),
        "in_words": explain(composition),
    }


def _rounded(size_bytes: float | None) -> int | None:
    return None if size_bytes is None else round(size_bytes)


def _mb(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else to_mb(size_bytes)
