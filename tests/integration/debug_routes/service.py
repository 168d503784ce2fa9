"""A bare application with the debug routes and hand-made runs, under the kind of server that a test is run with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from typing import Any

import aiohttp
from yarl import URL

from profiling import History, Level, Profiler, RunProfile
from profiling.samples import sampler
from profiling.web import Access, JobControl
from profiling.web.table import ROUTES
from tests.integration.debug.conftest import HandMadeJobs
from tests.integration.debug_routes.servers import PREFIXES, SERVERS
from tests.unit.profiling.make import run
from volaris.web import access_of

__all__ = ["PREFIXES", "Client", "kind_of_server", "routes", "serving"]

RUNS = (
    run(1, {("/gone/a.py", 7): (1_000, 4)}, job="sync"),
    run(2, {("/gone/a.py", 7): (3_000, 8), ("/gone/b.py", 1): (10, 1)}, job="sync"),
)
kind_of_server = {"now": "aiohttp"}  # set by the fixture that runs each test once for each


class Client:
    """A client of a server on this machine; its calls are those of aiohttp's sessions."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self._session = session

    def request(self, method: str, path: str, **said: Any) -> Any:
        return self._session.request(method, URL(f"http://{self.host}:{self.port}{path}"), **said)

    def get(self, path: str, **said: Any) -> Any:
        return self.request("GET", path, **said)

    def head(self, path: str, **said: Any) -> Any:
        return self.request("HEAD", path, **said)

    def post(self, path: str, **said: Any) -> Any:
        return self.request("POST", path, **said)

    def delete(self, path: str, **said: Any) -> Any:
        return self.request("DELETE", path, **said)


# paths that need samples
SAMPLED = ("/memory/live", "/memory/stacks", "/scopes", "/scopes/sync", "/pprof/heap", "/pprof/allocs")
SOURCE = "/source?path=/gone/a.py"  # a file of the runs that cannot be read
NEEDED = {"/memory/diff": "/memory/diff?job=sync", "/source": SOURCE}  # queries without which there is no answer
FORMS = {route.path: route.forms[0] for route in ROUTES}


def routes(method: str) -> list[str]:
    """Paths of all guarded routes with that method, each with something real in its place and its query."""
    guarded = [route for route in ROUTES if route.method == method and route.path != "/health"]
    paths = [route.path.format(run_id=1, job_id="sync", scope="sync") for route in guarded]
    answered = [path for path in paths if path not in SAMPLED or not sampler.unavailable_reason()]
    return [NEEDED.get(path, path) for path in answered]


def form_of(path: str) -> str:
    """The media type that the answer at a path has."""
    return "application/problem+json" if path == SOURCE else FORMS.get(path.partition("?")[0], "application/json")


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
    profiler = Profiler(level=level, limit_mb=512, history=history)
    served = SERVERS[kind_of_server["now"]]
    said: dict[str, Any] = {"access": access or access_of("development", None), "jobs": jobs or HandMadeJobs()}
    with closing(profiler):
        async with served(profiler, **said) as port, aiohttp.ClientSession() as session:
            yield Client(session, port)
