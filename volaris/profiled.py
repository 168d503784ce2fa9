"""Jobs under the profiler: a middleware that measures each run, and the log lines that tell of it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

from profiling import Profiler, RunProfile
from profiling.records import Verdict
from profiling.report.text import allocation_lines
from profiling.source import short_path
from profiling.units import to_mb
from volaris.errors import JobTimeout
from volaris.logs import log_event
from volaris.scheduler import Job, JobRun, RunOutcome

ALLOCATION_LINES = 5
DAY_S = 86_400.0
EVENTS = {
    RunOutcome.COMPLETED: ("INFO", "job_completed"),
    RunOutcome.CANCELLED: ("WARNING", "job_cancelled"),
    RunOutcome.FAILED: ("ERROR", "job_failed"),
    RunOutcome.TIMED_OUT: ("ERROR", "job_failed"),
}


class ProfiledJobs:
    """The scheduler middleware that profiles, and the report of each run that it saw.

    With `exclusive` a run at level `lines` has the process to itself, as far as other jobs go: a table before and after
    would charge each of two overlapping runs with what both keep.
    """

    def __init__(self, profiler: Profiler, *, exclusive: bool = True) -> None:
        self._profiler = profiler
        self._exclusive = exclusive
        self._turn = asyncio.Lock()
        self._unreported: dict[str, RunProfile] = {}  # one a job at most, since a job has one run at a time
        self._told: dict[str, Verdict] = {}  # the last that was logged, one a job

    def middleware(self, job: Job) -> Job:
        """The job with a profile around each run. Outermost, so that no time limit cuts a measurement short."""

        async def run() -> object:
            async with self._my_turn(job):
                watch = self._profiler.run(job.id)
                try:
                    async with watch:
                        return await job.run()
                finally:
                    if watch.has_ended:
                        self._unreported[job.id] = watch.profile

        return replace(job, run=run)

    async def report(self, run: JobRun, error: BaseException | None) -> None:
        """Log how a run ended, what the process uses, and the lines that kept the most."""
        profile = self._unreported.pop(run.job_id, None)
        level, event = EVENTS[run.outcome]
        # Where a run was when it was cancelled tells nothing of why.
        failure = None if run.outcome is RunOutcome.CANCELLED else error
        log_event(level, event, exception=failure, **self._fields(run, profile))
        if profile is not None:
            for line in await asyncio.to_thread(
                allocation_lines, profile, self._profiler.source.places, ALLOCATION_LINES
            ):
                log_event("INFO", "job_allocations", detail=line, job_id=run.job_id)
            self._warn(profile)

    def _warn(self, profile: RunProfile) -> None:
        """Once after each new verdict: what grows, where, and when the memory is full."""
        verdict = self._profiler.last_verdict(profile.job)
        if verdict is None or verdict is self._told.get(profile.job) or not verdict.state.grows:
            return
        self._told[profile.job] = verdict
        log_event("WARNING", "job_grows", exception=None, **_verdict_fields(profile.job, verdict))
        if verdict.forecast is not None and _soon(verdict) is not None:
            log_event("WARNING", "memory_forecast", exception=None, job_id=profile.job, detail=verdict.forecast.reason)

    def _my_turn(self, job: Job) -> AbstractAsyncContextManager[object]:
        if self._exclusive and self._profiler.next_level(job.id).frames > 0:
            return _Turn(self._turn, job)
        return nullcontext()

    def _fields(self, run: JobRun, profile: RunProfile | None) -> dict[str, object]:
        usage = self._profiler.usage()
        fields: dict[str, object] = {
            "job_id": run.job_id,
            "memory_mb": to_mb(usage.rss_bytes),
            "memory_percent": round(usage.percent, 1),
            "duration_s": round(run.duration_s, 3),
        }
        return fields if profile is None else fields | _profile_fields(profile)


class _Turn:
    """Waits for the run before, no longer than the job itself may take."""

    def __init__(self, lock: asyncio.Lock, job: Job) -> None:
        self._lock = lock
        self._job = job

    async def __aenter__(self) -> None:
        try:
            async with asyncio.timeout(self._job.timeout_s):
                await self._lock.acquire()
        except TimeoutError as error:
            raise JobTimeout(self._job.id, self._job.timeout_s) from error

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


def _soon(verdict: Verdict) -> float | None:
    """In how many seconds the container is full, where that is within a day."""
    full_in_s = verdict.forecast.full_in_s if verdict.forecast else None
    return full_in_s if full_in_s is not None and full_in_s < DAY_S else None


def _verdict_fields(job: str, verdict: Verdict) -> dict[str, object]:
    fields: dict[str, object] = {"detail": verdict.reason, "job_id": job, "verdict": verdict.state.value}
    fields["runs"] = verdict.runs
    if verdict.bytes_per_run is not None:
        fields["kb_per_run"] = round(verdict.bytes_per_run / 1024, 1)
    if (full_in_s := _soon(verdict)) is not None:
        fields["full_in_h"] = round(full_in_s / 3600, 1)
    if verdict.suspects:
        file, line = verdict.suspects[0].site
        fields["at"] = f"{short_path(file)}:{line}"
    return fields


def _profile_fields(profile: RunProfile) -> dict[str, object]:
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
