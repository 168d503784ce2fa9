"""Jobs under the profiler: a middleware that measures each run, and the log lines that tell of it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

from profiling import Profiler, RunProfile
from profiling.records import Verdict
from profiling.report.text import allocation_lines
from profiling.units import to_mb
from volaris.errors import JobTimeout
from volaris.instrumentation.run_log import EVENTS, full_soon_in_s, profile_fields, verdict_fields
from volaris.logs import log_event
from volaris.scheduler import Job, JobRun, RunOutcome

ALLOCATION_LINES = 5


class JobProfiler:
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
        log_event("WARNING", "job_grows", exception=None, **verdict_fields(profile.job, verdict))
        if verdict.forecast is not None and full_soon_in_s(verdict) is not None:
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
        return fields if profile is None else fields | profile_fields(profile)


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
