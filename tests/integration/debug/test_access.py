"""Who may call the debug routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import Profiler
from profiling.web import Access, mount
from profiling.web.access import CLOSED as CLOSED_TO_STRANGERS
from tests.integration.debug.conftest import problem
from volaris.web import access_of

PRODUCTION, DEVELOPMENT = "production", "development"
WRONG = {"Authorization": "Bearer wrong"}
RIGHT = {"Authorization": "Bearer t0ken"}
CLOSED = "the debug routes are closed in production; set DEBUG_TOKEN to open them"
SEND = "the request has no bearer token; send the header `Authorization: Bearer <DEBUG_TOKEN>`"
OTHER = "the bearer token is wrong; send the value of DEBUG_TOKEN"

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
    async with client_of(access_of(environment, token)) as client:
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
    async with client_of(access_of(PRODUCTION, None)) as client, client.get(path) as response:
        assert response.status == 200
        assert (await response.json())["status"] in {"ok", "warning", "critical"}


async def test_path_that_ends_like_health_is_not_open(client_of: ClientOf) -> None:
    async with client_of(access_of(PRODUCTION, None)) as client:
        await problem(await client.post("/debug/jobs/x/health"), 403)


async def test_no_answer_lets_a_foreign_page_read_it(client_of: ClientOf) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    async with client_of(access_of(DEVELOPMENT, None)) as client:
        for call, path in ((client.get, "/debug/jobs"), (client.options, "/debug/jobs/sync/run")):
            async with call(path, headers=headers) as response:
                assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_token_is_in_no_text_of_the_rule() -> None:
    assert "t0ken" not in repr(access_of(PRODUCTION, "t0ken"))


NO_TOKEN: dict[str, str] = {}
SEND_STRANGERS = "the request has no bearer token; send the header `Authorization: Bearer <token>`"
OTHER_STRANGERS = "the bearer token is wrong; send the value of token"


@pytest.mark.parametrize(
    ("said", "headers", "looking", "changing"),
    [
        ({}, NO_TOKEN, CLOSED_TO_STRANGERS, CLOSED_TO_STRANGERS),
        ({}, RIGHT, CLOSED_TO_STRANGERS, CLOSED_TO_STRANGERS),
        ({"token": ""}, RIGHT, CLOSED_TO_STRANGERS, CLOSED_TO_STRANGERS),
        ({"token": "t0ken"}, NO_TOKEN, SEND_STRANGERS, SEND_STRANGERS),
        ({"token": "t0ken"}, WRONG, OTHER_STRANGERS, OTHER_STRANGERS),
        ({"token": "t0ken"}, RIGHT, None, None),
        ({"open_to_all": True}, NO_TOKEN, None, SEND_STRANGERS),
        ({"open_to_all": True}, WRONG, None, None),
        ({"open_to_all": True, "token": "t0ken"}, NO_TOKEN, None, SEND_STRANGERS),
        ({"open_to_all": True, "token": "t0ken"}, WRONG, None, OTHER_STRANGERS),
        ({"open_to_all": True, "token": "t0ken"}, RIGHT, None, None),
    ],
)
async def test_application_of_ones_own_is_closed_until_it_says_otherwise_whatever_the_environment_says(
    profiler: Profiler,
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, Any],
    headers: dict[str, str],
    looking: str | None,
    changing: str | None,
) -> None:
    monkeypatch.setenv("ENVIRONMENT", DEVELOPMENT)
    monkeypatch.setenv("DEBUG_TOKEN", "t0ken" if not said else "another")
    app = web.Application()
    mount(app, profiler, **said)
    async with TestClient(TestServer(app)) as client:
        async with client.get("/debug/health") as response:
            assert (response.status, (await response.json())["environment"]) == (200, None)
        for call, path, refusal in (
            (client.get, "/debug/memory/runs", looking),
            (client.get, "/api/v1/debug/jobs", looking),
            (client.post, "/debug/memory/trim", changing),
        ):
            async with call(path, headers=headers) as response:
                if refusal is None:
                    assert response.status == 200
                else:
                    assert (await problem(response, 403))["detail"] == refusal


def test_rule_is_given_in_one_way(profiler: Profiler) -> None:
    with pytest.raises(TypeError, match="takes access="):
        mount(web.Application(), profiler, token="t0ken", access=Access())
