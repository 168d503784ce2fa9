"""The routes of an application that has no scheduler to show: its jobs are those that have been profiled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import Profiler
from profiling.web import mount
from profiling.web.table import ROUTES
from tests.integration.debug.conftest import WITH_TOKEN, Client, problem
from tests.integration.debug.declared import held_to_declarations


@pytest_asyncio.fixture
async def client(profiler: Profiler) -> AsyncIterator[Client]:
    app = web.Application()
    mount(app, profiler, open_to_all=True, prefixes=["/memory"])
    with held_to_declarations(app, ["/memory"]):
        async with TestClient(TestServer(app)) as client:
            yield client


async def json_of(call: Awaitable[Any]) -> Any:
    response = await call
    assert response.status == 200
    return await response.json()


async def test_no_job_is_listed_before_the_first_run(client: Client) -> None:
    assert await json_of(client.get("/memory/jobs")) == {"scheduler_enabled": False, "jobs": []}
    told = await problem(await client.post("/memory/jobs/sync/run", headers=WITH_TOKEN), 404)
    assert told["detail"] == "there is no job 'sync'; no job is known yet"


async def test_profiled_jobs_are_listed_with_their_last_run_and_their_verdict(
    client: Client, profiler: Profiler
) -> None:
    for _ in range(2):
        async with profiler.run("sync"):
            pass
    with pytest.raises(LookupError):
        async with profiler.run("broken"):
            raise LookupError
    async with profiler.run("sync"):
        broken, sync = (await json_of(client.get("/memory/jobs")))["jobs"]
    last = profiler.runs("sync")[1]
    assert sync["last_run"] == {
        "outcome": "completed",
        "started_at": last.started_at.isoformat(),
        "duration_s": round(last.duration_s, 6),
        "error": None,
    }
    told = [(job["id"], job["state"], job["runs"], job["failures"], job["next_run_at"]) for job in (broken, sync)]
    assert told == [("broken", "idle", 1, 1, None), ("sync", "running", 2, 0, None)]
    assert broken["last_run"]["outcome"] == "failed"
    assert [job["verdict"]["state"] for job in (broken, sync)] == ["insufficient_runs"] * 2


async def test_job_in_its_first_run_is_listed_too(client: Client, profiler: Profiler) -> None:
    async with profiler.run("sync"):
        (job,) = (await json_of(client.get("/memory/jobs")))["jobs"]
        assert await json_of(client.get("/memory/jobs/sync/verdict")) == {"job": "sync", "verdict": None}
    assert [job[key] for key in ("id", "state", "runs", "last_run", "verdict")] == ["sync", "running", 0, None, None]


@pytest.mark.parametrize("verb", ["run", "pause", "resume"])
async def test_profiled_job_cannot_be_steered_and_the_answer_says_why(
    client: Client, profiler: Profiler, verb: str
) -> None:
    async with profiler.run("sync"):
        pass
    told = await problem(await client.post(f"/memory/jobs/sync/{verb}", headers=WITH_TOKEN), 409)
    assert told["detail"] == (
        "job 'sync' cannot be started or paused here, because the application starts it itself; "
        "pass its scheduler as mount(..., jobs=...)"
    )
    assert (await problem(await client.post(f"/memory/jobs/x/{verb}", headers=WITH_TOKEN), 404))["known"] == ["sync"]


@pytest.mark.parametrize("path", ["/memory/jobs/x/verdict", "/memory/memory/diff?job=x", "/memory/memory/runs?job=x"])
async def test_unknown_job_is_told_with_the_profiled_ones(client: Client, profiler: Profiler, path: str) -> None:
    async with profiler.run("sync"):
        pass
    assert (await problem(await client.get(path), 404))["detail"] == "there is no job 'x'; the known jobs are: sync"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_index_lists_the_routes_by_the_prefix_that_was_asked(client: Client, slash: str) -> None:
    told = await json_of(client.get(f"/memory{slash}"))
    routes = {(route["method"], route["path"]): route["summary"] for route in told["routes"]}
    assert routes["GET", "/memory/jobs"] == "Each job's state, next run, last run and verdict"
    assert {("GET", "/memory/"), ("GET", "/memory/health"), ("POST", "/memory/memory/trim")} <= routes.keys()
    for method, path in routes:
        async with client.request(method, path.format(run_id=1, job_id="x", scope="x"), headers=WITH_TOKEN) as response:
            assert response.status != 405, path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/memory/memory", "GET,HEAD"),
        ("DELETE", "/memory/jobs", "GET,HEAD"),
        ("OPTIONS", "/memory/memory/trim", "POST"),
        ("GET", "/memory/memory/trim", "POST"),
        ("PUT", "/memory", "GET,HEAD"),
    ],
)
async def test_method_that_a_route_does_not_have_is_a_405_with_those_it_has(
    client: Client, method: str, path: str, allowed: str
) -> None:
    async with client.request(method, path) as response:
        assert (await problem(response, 405))["allowed"] == allowed.split(",")
        assert response.headers["Allow"] == allowed


async def test_openapi_document_is_below_the_prefix_and_names_no_definition_that_it_has_not(client: Client) -> None:
    document = await json_of(client.get("/memory/openapi.json"))
    assert (document["swagger"], document["basePath"]) == ("2.0", "/memory")
    assert {(method.upper(), path) for path, operations in document["paths"].items() for method in operations} == {
        (route.method, route.path) for route in ROUTES
    }
    named = {part.partition('"')[0] for part in orjson.dumps(document).decode().split('"#/definitions/')[1:]}
    assert named == set(document["definitions"])
    assert document["definitions"]["Run"]["properties"]["peak_mb"]["description"]
