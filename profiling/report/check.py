"""The results of a check: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from profiling.compare.diff import PlacesOf
from profiling.records import CheckResult, SiteKey, Suspect
from profiling.source import PROFILER_FILES, Place, is_user_code
from profiling.units import format_bytes, to_mb


def check_to_dict(checked: Sequence[CheckResult], places_of: PlacesOf) -> dict[str, Any]:
    """Return what `check --json` prints."""
    return {"jobs": [_job_to_dict(result, places_of) for result in checked]}


def _job_to_dict(result: CheckResult, places_of: PlacesOf) -> dict[str, Any]:
    bytes_per_run, native_bytes = result.verdict.bytes_per_run, result.verdict.native_bytes_per_run
    return {
        "job": result.job,
        "runs": result.runs,
        "level": result.level.value,
        "degraded": result.degraded,
        "verdict": result.verdict.state.value,
        "reason": result.verdict.reason,
        "bytes_per_run": None if bytes_per_run is None else round(bytes_per_run),
        "interval_bytes": list(result.verdict.interval_bytes) if result.verdict.interval_bytes else None,
        "native_bytes_per_run": None if native_bytes is None else round(native_bytes),
        "suspects": [_suspect_to_dict(suspect, places_of) for suspect in result.verdict.suspects],
        "memory": {
            "rss_mb": to_mb(result.usage.rss_bytes),
            "traced_mb": None if result.traced_bytes is None else to_mb(result.traced_bytes),
            "held_free_mb": None if result.allocator_free_bytes is None else to_mb(result.allocator_free_bytes),
        },
        "cost": {
            "slowdown": None if result.slowdown is None else round(result.slowdown, 2),
            "stall_ms_max": round(result.cost.stall_s * 1e3, 2),
            "memory_mb": to_mb(result.cost.memory_bytes),
        },
    }


def _suspect_to_dict(suspect: Suspect, places_of: PlacesOf) -> dict[str, Any]:
    stack = without_callers(suspect.stack)
    places = places_of([suspect.site, *stack])
    return {
        "site": {"file": suspect.site[0], "line": suspect.site[1]},
        "function": places[suspect.site].function,
        "bytes_per_run": round(suspect.bytes_per_run),
        "stack": [_where(frame[1], places[frame]) for frame in stack],
    }


def without_callers(stack: Sequence[SiteKey]) -> Sequence[SiteKey]:
    """Return the frames, innermost first, up to the user's outermost one: without those that run the check."""
    users = [
        number for number, (file, _) in enumerate(stack) if is_user_code(file) and not file.startswith(PROFILER_FILES)
    ]
    return stack[: users[-1] + 1] if users else stack


def check_to_text(checked: Sequence[CheckResult], places_of: PlacesOf) -> str:
    """Return the text for each job: its verdict, the memory of the process, and the lines that grow with every run."""
    return "\n".join(line for result in checked for line in _lines(result, places_of)) + "\n"


def _lines(result: CheckResult, places_of: PlacesOf) -> Iterator[str]:
    yield f"{result.job}: {result.verdict.state.value} after {_runs(result.runs)} at level {result.level.value}"
    yield f"  {result.verdict.reason}"
    if result.degraded is not None:
        yield f"  less was measured than usual: {result.degraded}"
    yield f"  {'; '.join(_memory(result))}"
    for suspect in result.verdict.suspects:
        place = places_of([suspect.site])[suspect.site]
        yield f"  {format_bytes(round(suspect.bytes_per_run)):>12} per run  {_where(suspect.site[1], place)}"
        if place.source:
            yield f"{'':>24}  {place.source}"
    yield f"  profiler overhead: {result.cost.duration_s:.2f} s in total; {_slowdown(result)}"


def _runs(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _memory(result: CheckResult) -> Iterator[str]:
    """Yield the sizes that are known. They are parts of the RSS, but do not add up to it."""
    yield f"RSS {format_bytes(result.usage.rss_bytes)}"
    if result.traced_bytes is not None and result.level.samples:
        error = "" if result.relative_error is None else f" (±{result.relative_error * 100:.0f} %)"
        yield f"live memory of this job {format_bytes(result.traced_bytes)}{error}"
    elif result.traced_bytes is not None:
        yield f"traced memory of the process {format_bytes(result.traced_bytes)}"
    if result.allocator_free_bytes is not None:
        yield f"free in the C allocator {format_bytes(result.allocator_free_bytes)}"


def _slowdown(result: CheckResult) -> str:
    if result.slowdown is None:
        return "runs are too short (under 1 ms) to measure a slowdown"
    return f"a run took {result.slowdown:.1f} times as long as without the profiler"


def _where(line: int, place: Place) -> str:
    return f"{place.file}:{line} {place.function}" if place.function else f"{place.file}:{line}"
