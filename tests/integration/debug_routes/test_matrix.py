"""Every debug route, under both prefixes, for whoever may call it and whoever may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from profiling import Level
from profiling.web import Access
from tests.integration.debug.conftest import problem
from tests.integration.debug_routes.service import PREFIXES, SAMPLED, SOURCE, Client, form_of, routes, serving
from volaris.web import access_of

NONE: dict[str, str] = {}
WRONG = {"Authorization": "Bearer wrong"}
RIGHT = {"Authorization": "Bearer t0ken"}
READING, CHANGING = routes("GET"), routes("POST")


Rule = Callable[[str | None], Access]
# The rule for a token, and whether looking is open without one.
RULES: dict[str, tuple[Rule, bool]] = {
    "Volaris in production": (partial(access_of, "production"), False),
    "Volaris in development": (partial(access_of, "development"), True),
    "one's own application": (lambda token: Access(token=token), False),
    "one's own application, open": (lambda token: Access(token=token, open_to_all=True), True),
}


def may_call(token: str | None, headers: dict[str, str], method: str, *, is_open: bool) -> bool:
    """The rule, in the words of the contract."""
    bears_it = headers == RIGHT if token else headers != NONE
    if not is_open:
        return token is not None and bears_it
    return method == "GET" or bears_it


def test_routes_are_told_apart_by_what_they_do() -> None:
    assert {"/memory", "/memory/diff?job=sync", "/memory/runs", "/memory/runs/1", "/jobs"} <= set(READING)
    assert {f"/jobs/sync/{action}" for action in ("run", "pause", "resume")} <= set(CHANGING)


@pytest.mark.parametrize("headers", [NONE, WRONG, RIGHT], ids=["no header", "wrong token", "right token"])
@pytest.mark.parametrize("token", [None, "t0ken"], ids=["unset", "set"])
@pytest.mark.parametrize("rule", RULES)
async def test_every_route_is_open_to_whom_it_should_be(rule: str, token: str | None, headers: dict[str, str]) -> None:
    access_with, is_open = RULES[rule]
    async with serving(access=access_with(token), level=Level.SAMPLES) as client:
        calls = [*product(["GET"], PREFIXES, READING), *product(["POST"], PREFIXES, CHANGING)]
        for method, prefix, path in calls:
            async with client.request(method, f"{prefix}{path}", headers=headers) as response:
                if may_call(token, headers, method, is_open=is_open):
                    assert response.status == (404 if path == SOURCE else 202 if path.endswith("/run") else 200)
                    assert response.content_type == form_of(path)
                else:
                    await problem(response, 403)


@pytest.mark.parametrize("headers", [NONE, WRONG, RIGHT])
async def test_refused_or_not_no_answer_has_a_cors_header(headers: dict[str, str]) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"} | headers
    async with serving(access=access_of("production", "t0ken")) as client:
        for method, path in product(["GET", "OPTIONS", "POST"], ["/health", "/nothing", *READING, *CHANGING]):
            async with client.request(method, f"/debug{path}", headers=asked) as response:
                assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("path", ["/nothing", "/health/", "/memory/runs/1/2"])
async def test_what_is_not_there_is_told_only_to_those_who_may_look(path: str) -> None:
    async with serving(access=access_of("production", "t0ken")) as client:
        for prefix in PREFIXES:
            await problem(await client.get(f"{prefix}{path}"), 403)
            told = await problem(await client.get(f"{prefix}{path}", headers=RIGHT), 404)
            assert told["detail"] == f"there is no page at {prefix}{path}; check the path"


async def test_other_method_is_told_which_ones_fit_to_those_who_may_look() -> None:
    async with serving(access=access_of("production", "t0ken")) as client:
        await problem(await client.delete("/debug/jobs"), 403)
        await problem(await client.delete("/debug/jobs", headers=RIGHT), 405)
    async with serving() as client:
        for prefix in PREFIXES:
            told = await problem(await client.delete(f"{prefix}/jobs"), 405)
            assert told["allowed"] == ["GET", "HEAD"]
            told = await problem(await client.get(f"{prefix}/jobs/sync/run"), 405)
            assert told["allowed"] == ["POST"]


@pytest.mark.parametrize("environment", ["production", "development"])
async def test_health_is_open_to_all_and_every_head_is_a_get_without_its_body(environment: str) -> None:
    async with serving(access=access_of(environment, "t0ken")) as client:
        for prefix, path in product(PREFIXES, ["/health", "/jobs"]):
            headers = NONE if path == "/health" else RIGHT
            async with client.head(f"{prefix}{path}", headers=headers) as response:
                assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize(("token", "status"), [("t0ken", 403), ("\udcff\udcfe", 202), (None, 202)])
async def test_token_that_is_no_text_is_compared_byte_by_byte(token: str | None, status: int) -> None:
    async with serving(access=access_of("development", token)) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(
            b"POST /debug/jobs/sync/run HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
            b"Authorization: Bearer \xff\xfe\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def shape_of(client: Client, path: str) -> object:
    """An answer, with its figures left out where two readings differ."""
    async with client.get(path) as response:
        told = await response.json()
    return {key: sorted(value) if isinstance(value, dict) else type(value) for key, value in told.items()}


SAMPLED_AS_JSON = [path for path in READING if path in SAMPLED and form_of(path) == "application/json"]


@pytest.mark.parametrize("path", ["/health", "/memory", "/timeline", *SAMPLED_AS_JSON])
async def test_both_prefixes_give_figures_under_the_same_keys(path: str) -> None:
    async with serving(level=Level.SAMPLES) as client:
        canonical, short = [await shape_of(client, f"{prefix}{path}") for prefix in PREFIXES]
    assert canonical == short


CHANGES_WITH_TIME = {"/", "/openapi.json", "/memory", "/timeline", "/events", "/metrics", "/report", *SAMPLED}


@pytest.mark.parametrize("path", [path for path in READING if path not in CHANGES_WITH_TIME])
async def test_both_prefixes_give_the_same_answer(path: str) -> None:
    async with serving() as client:
        answers = []
        for prefix in PREFIXES:
            async with client.get(f"{prefix}{path}") as response:
                assert response.status == (404 if path == SOURCE else 200)
                answers.append(await response.read())
    assert answers[0] == answers[1]
