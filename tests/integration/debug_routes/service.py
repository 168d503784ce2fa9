"""A bare application with the debug routes and hand-made runs: it has no middleware of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import History, Level, Profiler, RunProfile
from profiling.samples import sampler
from profiling.web import Access, JobControl, mount
from profiling.web.table import ROUTES
from tests.integration.debug.conftest import HandMadeJobs
from tests.integration.debug.declared import held_to_declarations
from tests.unit.profiling.make import run
from volaris.web import access_of

Client = TestClient[web.Request, web.Application]

PREFIXES = ("/api/v1/debug", "/debug")
RUNS = (
    run(1, {("/gone/a.py", 7): (1_000, 4)}, job="sync"),
    run(2, {("/gone/a.py", 7): (3_000, 8), ("/gone/b.py", 1): (10, 1)}, job="sync"),
)

SAMPLED = ("/memory/live", "/scopes", "/scopes/sync")  # paths that need samples


def routes(method: str) -> list[str]:
    """Paths of all guarded routes with that method, each with something real in its place and its query."""
    guarded = [route for route in ROUTES if route.method == method and route.path != "/health"]
    paths = [route.path.format(run_id=1, job_id="sync", scope="sync") for route in guarded]
    answered = [path for path in paths if path not in SAMPLED or not sampler.unavailable_reason()]
    return [f"{path}?job=sync" if path == "/memory/diff" else path for path in answered]


@asynccontextmanager
async def serving(
    *,
    access: Access | None = None,
    jobs: JobControl | None = None,
    runs: Iterable[RunProfile] = RUNS,
    level: Level = Level.COUNTERS,
) -> AsyncIterator[Client]:
    history = History(runs_per_job=100)
    for each in runs:
        history.add(each)
    app = web.Application()
    profiler = Profiler(level=level, limit_mb=512, history=history)
    mount(app, profiler, access=access or access_of("development", None), jobs=jobs or HandMadeJobs())
    with closing(profiler), held_to_declarations(app):
        async with TestClient(TestServer(app)) as client:
            yield client
