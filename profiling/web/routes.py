"""The debug routes: each reads its query, asks the profiler, and renders a record."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import cast

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from profiling.compare.diff import GroupBy
from profiling.errors import NotEnoughRuns, UnknownJob
from profiling.process import composition, object_walk
from profiling.profiler import Profiler
from profiling.records import RunProfile
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
from profiling.report.text import diff_to_text, time_diff_to_text
from profiling.units import to_mb
from profiling.web.declarations import Route
from profiling.web.jobs import JobControl, JobInfo
from profiling.web.query import Query, run_id

WARNING_PERCENT = 75.0
CRITICAL_PERCENT = 85.0
HEALTH_KEPT_S = 0.05  # so that whoever asks a thousand times a second costs little
MAX_SITES = 1_000
MAX_SECONDS = 600


def health_status(percent: float) -> str:
    """Return `ok`, `warning` from 75 per cent of the limit, or `critical` above 85."""
    if percent > CRITICAL_PERCENT:
        return "critical"
    return "warning" if percent >= WARNING_PERCENT else "ok"


class DebugRoutes:
    """Handlers over one profiler and one job control."""

    def __init__(self, profiler: Profiler, jobs: JobControl, environment: str | None) -> None:
        self._profiler = profiler
        self._jobs = jobs
        self._environment = environment
        self._health: tuple[float, bytes] = (-math.inf, b"")  # when it was made, and what was told

    def table(self) -> list[web.RouteDef]:
        """Return all routes, relative to where the application is mounted; the index is there without its slash too."""
        routes = [web.route(route.method, route.path, self._handler(route)) for route in ROUTES]
        return [web.get("", self.index), *routes]

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await route.handler(self, request)

        return handle

    async def index(self, request: web.Request) -> web.Response:
        """Answer with the routes there are, by the prefix that was asked."""
        Query(request).only()
        prefix = request.path.rstrip("/")
        routes = [{"method": route.method, "path": prefix + route.path, "summary": route.summary} for route in ROUTES]
        return _answer({"routes": routes})

    async def health(self, request: web.Request) -> web.Response:
        """Answer with memory against the limit, HEALTH_KEPT_S old at most, at the cost of one small read."""
        made_s, body = self._health
        now_s = time.monotonic()
        if now_s - made_s > HEALTH_KEPT_S:
            body = orjson.dumps(self._health_now())
            self._health = (now_s, body)
        return web.Response(body=body, content_type="application/json")

    def _health_now(self) -> Json:
        usage = self._profiler.usage()
        return {
            "status": health_status(usage.percent),
            "environment": self._environment,
            "memory_mb": to_mb(usage.rss_bytes),
            "memory_percent": round(usage.percent, 1),
            "scheduler_enabled": self._jobs.enabled,
        }

    async def memory(self, request: web.Request) -> web.Response:
        """Answer with what the process holds, by one walk over the heap in slices; 429 during another walk."""
        Query(request).only()
        usage = self._profiler.usage()
        report = await object_walk.walk()
        parts = await composition.read_composition(profiler_bytes=self._profiler.own_bytes())
        return _answer(memory_to_dict(usage, report, parts, self._profiler.statistics()))

    async def diff(self, request: web.Request) -> web.Response:
        """Answer with a job's latest run with lines against the run before it.

        If `seconds` is given, answer with what changes from now on.
        """
        query = Query(request)
        if "seconds" in request.query:
            return await self._diff_over(query)
        query.only("job", "run", "against", "group_by", "limit", "format")
        job = query.required("job")
        if not self._runs_of(job):
            raise NotEnoughRuns(job, 0)
        compare = partial(
            self._profiler.diff,
            job,
            run_id=query.run_id("run"),
            against_id=query.run_id("against"),
            group_by=cast("GroupBy", query.choice("group_by", ("line", "file", "function"))),
            limit=query.integer("limit", default=20, low=1, high=MAX_SITES),
        )
        form = query.choice("format", ("json", "text"))
        diff = await asyncio.to_thread(compare)
        judged = (await self._profiler.verdicts(job))[job]
        if form == "text":
            return web.Response(text=diff_to_text(diff, judged))
        return _answer(diff_to_dict(diff, judged))

    async def _diff_over(self, query: Query) -> web.Response:
        """Answer with any change of the process over some seconds, as Go's pprof does.

        `gc=1` collects garbage at both ends.
        """
        query.only("seconds", "gc", "group_by", "limit", "format")
        form = query.choice("format", ("json", "text"))
        diff = await self._profiler.diff_over(
            query.integer("seconds", default=30, low=1, high=MAX_SECONDS),
            collect=query.choice("gc", ("0", "1")) == "1",
            group_by=cast("GroupBy", query.choice("group_by", ("line", "file", "function"))),
            limit=query.integer("limit", default=20, low=1, high=MAX_SITES),
        )
        return web.Response(text=time_diff_to_text(diff)) if form == "text" else _answer(time_diff_to_dict(diff))

    async def trim(self, request: web.Request) -> web.Response:
        """Let the C allocator give back what it holds free."""
        Query(request).only()
        return _answer(trimmed_to_dict(await composition.trim()))

    async def verdict(self, request: web.Request) -> web.Response:
        """Answer with what the job's runs say together: state, pace, forecast, and the lines that keep ever more."""
        Query(request).only()
        job = request.match_info["job_id"]
        if not self._runs_of(job):
            return _answer({"job": job, "verdict": None})
        judged = await self._profiler.verdicts(job)
        return _answer({"job": job, "verdict": await asyncio.to_thread(verdict_to_dict, judged[job])})

    async def runs(self, request: web.Request) -> web.Response:
        """Answer with the runs in the history, newest first, of one job or of all."""
        query = Query(request)
        query.only("job", "limit")
        job = query.optional("job")
        limit = query.integer("limit", default=50, low=1, high=MAX_SITES)
        runs = self._runs_of(job) if job else self._profiler.history.runs()
        return _answer({"runs": [run_to_dict(run) for run in list(reversed(runs))[:limit]]})

    async def run(self, request: web.Request) -> web.Response:
        """Answer with one run and the lines that kept the most in it."""
        query = Query(request)
        query.only("limit")
        limit = query.integer("limit", default=20, low=1, high=MAX_SITES)
        run = self._profiler.history.get(run_id("run_id", request.match_info["run_id"]))
        return _answer(await asyncio.to_thread(run_with_sites_to_dict, run, self._profiler.source.places, limit))

    async def list_jobs(self, request: web.Request) -> web.Response:
        """Answer with each job's state, next run, last run and verdict."""
        Query(request).only()
        judged = await self._profiler.verdicts()
        # In a thread, since it looks for the packages that the files of suspects are in.
        verdicts = await asyncio.to_thread(lambda: {job: verdict_to_dict(judged[job]) for job in judged})
        jobs = [_job_to_dict(info) | {"verdict": verdicts.get(info.id)} for info in self._jobs.jobs()]
        return _answer({"scheduler_enabled": self._jobs.enabled, "jobs": jobs})

    async def run_job(self, request: web.Request) -> web.Response:
        """Start a run now; 409 while the job runs."""
        Query(request).only()
        job_id = request.match_info["job_id"]
        self._jobs.run_now(job_id)
        return _answer(self._job(job_id), status=HTTPStatus.ACCEPTED)

    async def pause_job(self, request: web.Request) -> web.Response:
        """Let no slot of the job fire any more."""
        Query(request).only()
        self._jobs.pause(request.match_info["job_id"])
        return _answer(self._job(request.match_info["job_id"]))

    async def resume_job(self, request: web.Request) -> web.Response:
        """Let the job's slots fire again."""
        Query(request).only()
        self._jobs.resume(request.match_info["job_id"])
        return _answer(self._job(request.match_info["job_id"]))

    def _runs_of(self, job: str) -> Sequence[RunProfile]:
        """Return the job's runs, oldest first, and no runs for a job that has yet to run. Raises UnknownJob."""
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


def _answer(document: Json, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=orjson.dumps(document), status=status, content_type="application/json")


ROUTES = (
    Route(method="GET", path="/", handler=DebugRoutes.index, summary="The routes there are"),
    Route(
        method="GET",
        path="/health",
        handler=DebugRoutes.health,
        summary="Memory against the limit, and a status; always open",
    ),
    Route(
        method="GET",
        path="/memory",
        handler=DebugRoutes.memory,
        summary="What the process holds: types, large objects, the collector, and what the RSS is made of",
    ),
    Route(
        method="GET",
        path="/memory/diff",
        handler=DebugRoutes.diff,
        summary="What a job's latest run with lines changed, or what changes in the process from now on",
    ),
    Route(
        method="POST",
        path="/memory/trim",
        handler=DebugRoutes.trim,
        summary="Let the C allocator give back what it holds free",
    ),
    Route(
        method="GET",
        path="/memory/runs",
        handler=DebugRoutes.runs,
        summary="The runs in the history, newest first",
    ),
    Route(
        method="GET",
        path="/memory/runs/{run_id}",
        handler=DebugRoutes.run,
        summary="One run, with the lines that kept the most",
    ),
    Route(
        method="GET",
        path="/jobs",
        handler=DebugRoutes.list_jobs,
        summary="Each job's state, next run, last run and verdict",
    ),
    Route(
        method="GET",
        path="/jobs/{job_id}/verdict",
        handler=DebugRoutes.verdict,
        summary="What the job's runs say together",
    ),
    Route(method="POST", path="/jobs/{job_id}/run", handler=DebugRoutes.run_job, summary="Start a run now"),
    Route(
        method="POST", path="/jobs/{job_id}/pause", handler=DebugRoutes.pause_job, summary="Let no slot of the job fire"
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/resume",
        handler=DebugRoutes.resume_job,
        summary="Let the job's slots fire again",
    ),
)
