"""The fields of the log lines about a run and about a verdict."""

from __future__ import annotations

from profiling import RunProfile
from profiling.records import Verdict
from profiling.source import short_path
from profiling.units import to_mb
from volaris.scheduler import RunOutcome

DAY_S = 86_400.0
EVENTS = {
    RunOutcome.COMPLETED: ("INFO", "job_completed"),
    RunOutcome.CANCELLED: ("WARNING", "job_cancelled"),
    RunOutcome.FAILED: ("ERROR", "job_failed"),
    RunOutcome.TIMED_OUT: ("ERROR", "job_failed"),
}


def full_soon_in_s(verdict: Verdict) -> float | None:
    """Return the seconds until the container is full, or None if that is more than a day away."""
    full_in_s = verdict.forecast.full_in_s if verdict.forecast else None
    return full_in_s if full_in_s is not None and full_in_s < DAY_S else None


def verdict_fields(job: str, verdict: Verdict) -> dict[str, object]:
    """Return the fields of `job_grows`: what grows, how fast, and on which line."""
    fields: dict[str, object] = {"detail": verdict.reason, "job_id": job, "verdict": verdict.state.value}
    fields["runs"] = verdict.runs
    if verdict.bytes_per_run is not None:
        fields["kb_per_run"] = round(verdict.bytes_per_run / 1024, 1)
    if (full_in_s := full_soon_in_s(verdict)) is not None:
        fields["full_in_h"] = round(full_in_s / 3600, 1)
    if verdict.suspects:
        file, line = verdict.suspects[0].site
        fields["at"] = f"{short_path(file)}:{line}"
    return fields


def profile_fields(profile: RunProfile) -> dict[str, object]:
    """Return the fields that a profiled run adds to its line."""
    fields: dict[str, object] = {
        "memory_mb": to_mb(profile.after.rss_bytes),
        "memory_percent": round(profile.percent, 1),
        "duration_s": round(profile.duration_s, 3),
        "peak_mb": None if profile.peak_rss_bytes is None else to_mb(profile.peak_rss_bytes),
        "rss_diff_mb": to_mb(profile.rss_diff_bytes),
        "retained_kb": None if profile.retained_bytes is None else round(profile.retained_bytes / 1024, 1),
        "level": profile.level.value,
        "run": profile.id,
    }
    if profile.overlapped_with:
        fields["overlapped_with"] = ",".join(profile.overlapped_with)
    if profile.degraded:
        fields["degraded"] = profile.degraded
    return fields
