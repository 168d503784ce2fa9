"""Jobs under the profiler: a middleware that measures each run, and the log lines about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from profiling import OUTSIDE_JOBS, Profiler, RunProfile
from profiling.records import Accusation
from profiling.report.text import allocation_lines
from profiling.units import to_mb
from volaris.instrumentation.run_log import EVENTS, full_soon_in_s, profile_fields, verdict_fields
from volaris.logs import log_event
from volaris.scheduler import Job, JobRun, RunOutcome

ALLOCATION_LINES = 5
MAX_WAIT_S = 10.0  # for a turn, because late prices are worth less than exact lines


class JobProfiler:
    """The scheduler middleware that profiles runs, and the report that logs them.

    With `exclusive`, runs with exact lines wait for each other. Otherwise tables before and after would charge each of
    two overlapping runs with what both keep. Runs that are only sampled do not wait. A run waits at most `max_wait_s`,
    which does not count towards the job's time limit. If the other job is then still running, the run starts without
    exact lines, and its profile says so.
    """

    def __init__(self, profiler: Profiler, *, exclusive: bool = True, max_wait_s: float = MAX_WAIT_S) -> None:
        self._profiler = profiler
        self._exclusive = exclusive
        self._max_wait_s = max_wait_s
        self._turn = asyncio.Lock()
        self._unreported: dict[str, RunProfile] = {}  # at most one per job, because a job has one run at a time
        self._last_logged: dict[str, Accusation] = {}  # the last accusation of each job that was logged
        self._forecast: set[str] = set()  # jobs for which it was logged that they soon fill the memory

    def middleware(self, job: Job) -> Job:
        """Return the job with a profile around each run.

        Put this outside of the time limit, so that neither waiting nor measuring counts against the job.
        """

        async def run() -> object:
            async with self._turn_of(job) as why_inexact:
                watch = self._profiler.run(job.id, why_inexact=why_inexact)
                try:
                    async with watch:
                        return await job.run()
                finally:
                    if watch.has_ended:
                        self._unreported[job.id] = watch.profile

        return replace(job, run=run)

    async def report(self, run: JobRun, error: BaseException | None) -> None:
        """Log how a run ended, what the process uses, and the lines that kept the most memory."""
        profile = self._unreported.pop(run.job_id, None)
        level, event = EVENTS[run.outcome]
        # The traceback of a cancelled run does not tell why it was cancelled.
        failure = None if run.outcome is RunOutcome.CANCELLED else error
        log_event(level, event, exception=failure, **self._fields(run, profile))
        if profile is not None:
            for line in await asyncio.to_thread(
                allocation_lines, profile, self._profiler.source.places, ALLOCATION_LINES
            ):
                log_event("INFO", "job_allocations", detail=line, job_id=run.job_id)
            await self._warn(profile.job)
            await self._warn(OUTSIDE_JOBS)

    async def _warn(self, job: str) -> None:
        """Log an accusation once: what grows, on which line, and, if that is soon, when the memory will be full."""
        verdict = self._profiler.last_verdict(job)
        if verdict is None or verdict.accusation is None:
            return
        if verdict.accusation != self._last_logged.get(job):
            self._last_logged[job] = verdict.accusation
            self._forecast.discard(job)
            # in a thread, because it looks up the package of a file
            fields = await asyncio.to_thread(verdict_fields, job, verdict)
            log_event("WARNING", "job_grows", exception=None, **fields)
        if verdict.forecast is not None and full_soon_in_s(verdict) is not None and job not in self._forecast:
            self._forecast.add(job)
            log_event("WARNING", "memory_forecast", exception=None, job_id=job, detail=verdict.forecast.reason)

    @asynccontextmanager
    async def _turn_of(self, job: Job) -> AsyncIterator[str | None]:
        """Wait until no exclusive run is running; yield why this run must have no exact lines, or None if it may."""
        if not self._exclusive or self._profiler.next_level(job.id).frames == 0:
            yield None
            return
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._turn.acquire()
        except TimeoutError:
            yield f"another job was still running after {self._max_wait_s:g} s, so this run has no exact lines"
            return
        try:
            yield None
        finally:
            self._turn.release()

    def _fields(self, run: JobRun, profile: RunProfile | None) -> dict[str, object]:
        usage = self._profiler.usage()
        fields: dict[str, object] = {
            "job_id": run.job_id,
            "memory_mb": to_mb(usage.rss_bytes),
            "memory_percent": round(usage.percent, 1),
            "duration_s": round(run.duration_s, 3),
        }
        return fields if profile is None else fields | profile_fields(profile)
