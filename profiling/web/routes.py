"""The handlers of the debug routes: each asks the profiler, and renders a record."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from profiling.errors import NotEnoughRuns, UnknownJob
from profiling.process import composition, object_walk
from profiling.profiler import Profiler
from profiling.records import LiveMemory, RunProfile
from profiling.report.json import (
    Json,
    diff_to_dict,
    memory_to_dict,
    run_to_dict,
    run_with_sites_to_dict,
    time_diff_to_dict,
    trimmed_to_dict,
    verdict_to_dict,
)
from profiling.report.scopes import live_to_dict, live_to_text, scope_to_dict, scopes_to_dict, scopes_to_text
from profiling.report.status import health_status
from profiling.report.text import diff_to_text, time_diff_to_text
from profiling.units import to_mb
from profiling.web.encoding import dumps
from profiling.web.jobs import JobControl, JobInfo
from profiling.web.messages import Request, Response, json_response, text_response
from profiling.web.query import Given

if TYPE_CHECKING:
    from profiling.web.page import Page

HEALTH_KEPT_S = 0.05  # so that even a thousand calls per second cost little


class DebugRoutes:
    """Handlers for one profiler and one job control."""

    def __init__(self, profiler: Profiler, jobs: JobControl, environment: str | None) -> None:
        self._profiler = profiler
        self._jobs = jobs
        self._environment = environment
        self._health: tuple[float, bytes] = (-math.inf, b"")  # when the answer was made, and the answer
        self._page: Page | None = None
        self._opening = asyncio.Lock()

    async def page(self) -> Page:
        """Return the page, whose modules are imported, in a thread, when somebody looks for the first time."""
        async with self._opening:
            if self._page is None:
                self._page = await asyncio.to_thread(self._make_page)
        return self._page

    def end(self) -> None:
        """End all answers that go on, because the server ends."""
        if self._page is not None:
            self._page.end()

    def _make_page(self) -> Page:
        from profiling.web.page import Page

        return Page(self._profiler, self._jobs)

    @property
    def profiler(self) -> Profiler:
        """Return the profiler whose data the routes show."""
        return self._profiler

    async def health(self, _request: Request, _given: Given | None = None) -> Response:
        """Answer with the memory and its limit, at most HEALTH_KEPT_S old, at the cost of one small read."""
        made_s, body = self._health
        now_s = time.monotonic()
        if now_s - made_s > HEALTH_KEPT_S:
            body = dumps(self._health_now())
            self._health = (now_s, body)
        return Response(body=body)

    def _health_now(self) -> Json:
        usage = self._profiler.usage()
        return {
            "status": health_status(usage.percent),
            "environment": self._environment,
            "memory_mb": to_mb(usage.rss_bytes),
            "memory_percent": round(usage.percent, 1),
            "scheduler_enabled": self._jobs.enabled,
        }

    async def memory(self, _request: Request, _given: Given) -> Response:
        """Answer with the objects and the memory of the process, from a walk over the heap; 429 during another walk."""
        usage = self._profiler.usage()
        report = await object_walk.walk()
        parts = await composition.read_composition(profiler_bytes=self._profiler.overhead_bytes())
        return json_response(memory_to_dict(usage, report, parts, self._profiler.statistics()))

    async def diff(self, _request: Request, given: Given) -> Response:
        """Answer with the comparison of a job's latest run with lines with the run before it.

        If `seconds` is given, answer with what changes in that time.
        """
        if "seconds" in given:
            return await self._diff_over(given)
        job = given["job"]
        if not self._runs_of(job):
            raise NotEnoughRuns(job, 0)
        compare = partial(
            self._profiler.diff,
            job,
            run_id=given["run"],
            against_id=given["against"],
            group_by=given["group_by"],
            limit=given["limit"],
        )
        diff = await asyncio.to_thread(compare)
        judged = (await self._profiler.verdicts(job))[job]
        if given["format"] == "text":
            return text_response(diff_to_text(diff, judged))
        # In a thread, because it looks up the packages of the suspects' files.
        return json_response(await asyncio.to_thread(diff_to_dict, diff, judged))

    async def _diff_over(self, given: Given) -> Response:
        """Answer with any change of the process over some seconds, as Go's pprof does.

        With `gc=1`, garbage is collected at both ends.
        """
        diff = await self._profiler.diff_over(
            given["seconds"], collect=given["gc"] == "1", group_by=given["group_by"], limit=given["limit"]
        )
        is_text = given["format"] == "text"
        return text_response(time_diff_to_text(diff)) if is_text else json_response(time_diff_to_dict(diff))

    async def live(self, _request: Request, given: Given) -> Response:
        """Answer with the memory that is alive now in the process."""
        live = await self._live(given, given["scope"])
        if given["format"] == "text":
            return text_response(live_to_text(live))
        return json_response(await asyncio.to_thread(live_to_dict, live))

    async def timeline(self, _request: Request, given: Given) -> Response:
        """Answer with the recorded memory and events of a span."""

        def read() -> Json:
            from profiling.report.timeline import timeline_to_dict  # nobody needs it before somebody asks

            return timeline_to_dict(self._profiler.timeline(given["span"]))

        return json_response(await asyncio.to_thread(read))

    async def scopes(self, _request: Request, given: Given) -> Response:
        """Answer with all scopes and jobs, the fastest growing one first."""
        scopes = await asyncio.to_thread(self._profiler.scopes)
        to_form = scopes_to_text if given["format"] == "text" else scopes_to_dict
        told = await asyncio.to_thread(to_form, scopes, given["limit"])
        return text_response(told) if isinstance(told, str) else json_response(told)

    async def scope(self, _request: Request, given: Given) -> Response:
        """Answer with one scope or job, its verdict as of now, and the lines that hold most of its memory."""
        name = given["scope"]
        with suppress(UnknownJob):  # none of its windows has ended yet
            await self._profiler.verdicts(name)
        found = await asyncio.to_thread(self._profiler.scopes, name)
        live = await self._live(given, name)
        if given["format"] == "text":
            return text_response(scopes_to_text(found, 1) + "\n" + live_to_text(live))
        return json_response(await asyncio.to_thread(lambda: scope_to_dict(found[0]) | live_to_dict(live)))

    async def _live(self, given: Given, scope: str | None) -> LiveMemory:
        asked = partial(
            self._profiler.live,
            scope=scope,
            group_by=given["group_by"],
            order=given["order"],
            limit=given["limit"],
        )
        return await asyncio.to_thread(asked)

    async def trim(self, _request: Request, _given: Given) -> Response:
        """Make the C allocator give free memory back to the kernel."""
        return json_response(trimmed_to_dict(await composition.trim()))

    async def verdict(self, _request: Request, given: Given) -> Response:
        """Answer with the verdict on the job: state, pace, forecast, and the lines that keep more with every run."""
        job = given["job_id"]
        if not self._runs_of(job):
            return json_response({"job": job, "verdict": None})
        judged = await self._profiler.verdicts(job)
        return json_response({"job": job, "verdict": await asyncio.to_thread(verdict_to_dict, judged[job])})

    async def runs(self, _request: Request, given: Given) -> Response:
        """Answer with the runs in the history, newest first, of one job or of all."""
        runs = self._runs_of(given["job"]) if given["job"] else self._profiler.history.runs()
        return json_response({"runs": [run_to_dict(run) for run in list(reversed(runs))[: given["limit"]]]})

    async def run(self, _request: Request, given: Given) -> Response:
        """Answer with one run and the lines that kept the most in it."""
        run, places_of = self._profiler.history.get(given["run_id"]), self._profiler.source.places
        return json_response(await asyncio.to_thread(run_with_sites_to_dict, run, places_of, given["limit"]))

    async def list_jobs(self, _request: Request, _given: Given) -> Response:
        """Answer with each job's state, next run, last run and verdict."""
        judged = await self._profiler.verdicts()
        # In a thread, because it looks up the packages of the suspects' files.
        verdicts = await asyncio.to_thread(lambda: {job: verdict_to_dict(judged[job]) for job in judged})
        jobs = [_job_to_dict(info) | {"verdict": verdicts.get(info.id)} for info in self._jobs.jobs()]
        return json_response({"scheduler_enabled": self._jobs.enabled, "jobs": jobs})

    async def run_job(self, _request: Request, given: Given) -> Response:
        """Start a run now; 409 while the job runs."""
        self._jobs.run_now(given["job_id"])
        return json_response(self._job(given["job_id"]), status=HTTPStatus.ACCEPTED)

    async def pause_job(self, _request: Request, given: Given) -> Response:
        """Stop firing the job's slots."""
        self._jobs.pause(given["job_id"])
        return json_response(self._job(given["job_id"]))

    async def resume_job(self, _request: Request, given: Given) -> Response:
        """Fire the job's slots again."""
        self._jobs.resume(given["job_id"])
        return json_response(self._job(given["job_id"]))

    def _runs_of(self, job: str) -> Sequence[RunProfile]:
        """Return the job's runs, oldest first, or no runs for a job that has not run yet. Raises UnknownJob."""
        try:
            return self._profiler.runs(job)
        except UnknownJob as error:
            scheduled = {info.id for info in self._jobs.jobs()}
            if job in scheduled:
                return ()
            raise UnknownJob(job, scheduled.union(error.known)) from None

    def _job(self, job_id: str) -> Json:
        return next(_job_to_dict(info) for info in self._jobs.jobs() if info.id == job_id)


def _job_to_dict(info: JobInfo) -> Json:
    last = {
        "outcome": info.last_outcome,
        "started_at": info.last_started_at,
        "duration_s": info.last_duration_s,
        "error": info.last_error,
    }
    return {
        "id": info.id,
        "description": info.description,
        "state": info.state,
        "next_run_at": info.next_run_at,
        "last_run": last if info.last_outcome else None,
        "runs": info.runs,
        "failures": info.failures,
        "coalesced_slots": info.coalesced_slots,
    }
