"""Who may call the debug routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import Profiler
from profiling.web import Access, mount
from tests.integration.debug.conftest import HandMadeJobs, problem

PRODUCTION, DEVELOPMENT = "production", "development"
WRONG = {"Authorization": "Bearer wrong"}
RIGHT = {"Authorization": "Bearer t0ken"}
CLOSED = "debug routes are closed in production; set DEBUG_TOKEN to open them"
SEND = "send the header `Authorization: Bearer <DEBUG_TOKEN>`"
OTHER = "the bearer token is not the one in DEBUG_TOKEN"

ClientOf = Callable[[Access], Any]


@pytest.mark.parametrize(
    ("environment", "token", "headers", "looking", "changing"),
    [
        (PRODUCTION, None, {}, CLOSED, CLOSED),
        (PRODUCTION, None, RIGHT, CLOSED, CLOSED),
        (PRODUCTION, "t0ken", {}, SEND, SEND),
        (PRODUCTION, "t0ken", {"Authorization": "Basic t0ken"}, SEND, SEND),
        (PRODUCTION, "t0ken", {"Authorization": "Bearer"}, SEND, SEND),
        (PRODUCTION, "t0ken", {"Authorization": "t0ken"}, SEND, SEND),
        (PRODUCTION, "t0ken", WRONG, OTHER, OTHER),
        (PRODUCTION, "t0ken", {"Authorization": "Bearer t0ken2"}, OTHER, OTHER),
        (PRODUCTION, "t0ken", RIGHT, None, None),
        (PRODUCTION, "t0ken", {"Authorization": "bearer t0ken"}, None, None),
        (DEVELOPMENT, None, {}, None, SEND),
        (DEVELOPMENT, None, WRONG, None, None),
        (DEVELOPMENT, "t0ken", {}, None, SEND),
        (DEVELOPMENT, "t0ken", WRONG, None, OTHER),
        (DEVELOPMENT, "t0ken", RIGHT, None, None),
    ],
)
async def test_who_may_look_and_who_may_change(
    client_of: ClientOf,
    environment: str,
    token: str | None,
    headers: dict[str, str],
    looking: str | None,
    changing: str | None,
) -> None:
    async with client_of(Access(environment=environment, token=token)) as client:
        for call, path, refusal in (
            (client.get, "/debug/jobs", looking),
            (client.get, "/api/v1/debug/memory/runs", looking),
            (client.post, "/debug/jobs/sync/run", changing),
        ):
            async with call(path, headers=headers) as response:
                if refusal is None:
                    assert response.status in {200, 202}
                else:
                    assert (await problem(response, 403))["detail"] == refusal


@pytest.mark.parametrize("path", ["/debug/health", "/api/v1/debug/health"])
async def test_health_is_always_open(client_of: ClientOf, path: str) -> None:
    async with client_of(Access(environment=PRODUCTION)) as client, client.get(path) as response:
        assert response.status == 200
        assert (await response.json())["environment"] == PRODUCTION


async def test_path_that_ends_like_health_is_not_open(client_of: ClientOf) -> None:
    async with client_of(Access(environment=PRODUCTION)) as client:
        await problem(await client.post("/debug/jobs/x/health"), 403)


async def test_no_answer_lets_a_foreign_page_read_it(client_of: ClientOf) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    async with client_of(Access()) as client:
        for call, path in ((client.get, "/debug/jobs"), (client.options, "/debug/jobs/sync/run")):
            async with call(path, headers=headers) as response:
                assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_token_is_in_no_text_of_the_rule() -> None:
    assert "t0ken" not in repr(Access(environment=PRODUCTION, token="t0ken"))


async def test_service_without_a_scheduler_knows_no_job(profiler: Profiler, jobs: HandMadeJobs) -> None:
    app = web.Application()
    mount(app, profiler, prefixes=["/memory"])
    async with TestClient(TestServer(app)) as client:
        async with client.get("/memory/jobs") as response:
            assert await response.json() == {"scheduler_enabled": False, "jobs": []}
        headers = {"Authorization": "Bearer any"}
        told = await problem(await client.post("/memory/jobs/sync/run", headers=headers), 404)
        assert told["detail"] == "no job 'sync'; there are: none yet"
