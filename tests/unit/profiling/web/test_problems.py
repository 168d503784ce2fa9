"""Every error comes out as problem+json, from a real server; what must pass the middleware does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from profiling.web.problems import CONTENT_TYPE, Problem, problem_response, problems_middleware

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def serving(handler: Handler, path: str = "/it") -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems_middleware], client_max_size=100)
    app.router.add_route("GET", path, handler)
    app.router.add_route("PUT", path, handler)
    async with TestClient(TestServer(app)) as client:
        yield client


def raising(error: BaseException) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        raise error

    return handler


async def fine(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="fine")


async def problem_in(response: aiohttp.ClientResponse) -> dict[str, object]:
    assert response.content_type == CONTENT_TYPE
    document = orjson.loads(await response.read())
    assert isinstance(document, dict)
    assert document["status"] == response.status
    assert document["title"] == HTTPStatus(response.status).phrase
    assert document["type"] == "about:blank"
    return document


async def test_an_answer_without_an_error_is_left_alone() -> None:
    async with serving(fine) as client, client.get("/it") as response:
        assert (response.status, await response.text()) == (200, "fine")


async def test_a_problem_is_answered_with_its_detail_extra_members_and_headers() -> None:
    problem = Problem(409, "one at a time", extra={"known": ["a", "b"]}, headers={"Retry-After": "5"})
    async with serving(raising(problem)) as client, client.get("/it") as response:
        assert response.status == 409
        assert response.headers["Retry-After"] == "5"
        assert await problem_in(response) == {
            "type": "about:blank",
            "title": "Conflict",
            "status": 409,
            "detail": "one at a time",
            "known": ["a", "b"],
        }


async def test_an_unknown_path_is_a_404_that_names_it() -> None:
    async with serving(fine) as client, client.get("/what") as response:
        assert response.status == 404
        assert (await problem_in(response))["detail"] == "there is no page at /what; check the path"


async def test_a_wrong_method_is_a_405_with_the_methods_that_are_allowed() -> None:
    async with serving(fine) as client, client.delete("/it") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,PUT"
        document = await problem_in(response)
        assert document["detail"] == "DELETE is not allowed at /it; use GET or PUT"
        assert document["allowed"] == ["GET", "PUT"]


async def test_an_http_error_keeps_the_text_and_the_headers_its_raiser_gave() -> None:
    error = web.HTTPUnauthorized(text="show a token", headers={"WWW-Authenticate": "Bearer"})
    async with serving(raising(error)) as client, client.get("/it") as response:
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert (await problem_in(response))["detail"] == "show a token"


async def test_an_http_error_without_a_text_says_its_reason() -> None:
    async with serving(raising(web.HTTPForbidden())) as client, client.get("/it") as response:
        assert (await problem_in(response))["detail"] == "Forbidden"


async def test_a_body_over_the_limit_is_a_413_problem() -> None:
    async def reads(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response()

    async with serving(reads) as client, client.put("/it", data=b"x" * 101) as response:
        assert response.status == 413
        assert "100" in str((await problem_in(response))["detail"])


async def test_an_unexpected_error_is_a_500_that_tells_the_log_and_not_the_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ValueError("password=hunter2")
    async with serving(raising(error)) as client, client.get("/it?token=secret") as response:
        assert response.status == 500
        body = await response.text()
        assert "hunter2" not in body
        assert "ValueError" not in body
        detail = (await problem_in(response))["detail"]
        assert detail == "an unexpected error happened; see the log of the service"
    [record] = [record for record in caplog.records if record.name == "profiling.web.problems"]
    assert record.getMessage() == "unexpected error in GET /it"
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_a_line_break_in_the_path_does_not_break_the_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(raising(KeyError()), "/{x}") as client, client.get("/a%0Ab") as response:
        assert response.status == 500
    assert "unexpected error in GET /a%0Ab" in caplog.messages


async def test_a_redirect_passes() -> None:
    async with (
        serving(raising(web.HTTPFound("/it"))) as client,
        client.get("/it", allow_redirects=False) as response,
    ):
        assert (response.status, response.headers["Location"]) == (302, "/it")


async def test_cancellation_passes_through_the_middleware() -> None:
    entered = asyncio.Event()

    async def waits(_request: web.Request) -> web.StreamResponse:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError("not reached")

    outcome: list[str] = []

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except asyncio.CancelledError:
            outcome.append("cancelled")
            raise

    app = web.Application(middlewares=[watch, problems_middleware], handler_args={"handler_cancellation": True})
    app.router.add_get("/it", waits)
    async with TestClient(TestServer(app)) as client:
        call = asyncio.create_task(client.session.get(client.make_url("/it")), name="call")
        await entered.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert outcome == ["cancelled"]


async def test_an_answer_that_has_started_is_cut_short_and_not_continued_with_a_problem() -> None:
    async def streams(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"the first part")
        raise Problem(503, "lost the database")

    async with serving(streams) as client, client.get("/it") as response:
        assert response.status == 200
        assert await response.content.readexactly(14) == b"the first part"
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@pytest.mark.parametrize("member", ["type", "title", "status", "detail"])
def test_an_extra_member_never_replaces_a_standard_one(member: str) -> None:
    response = problem_response(Problem(404, "not here", extra={member: "other"}))
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "not here",
    }


def test_text_that_is_not_utf_8_is_escaped() -> None:
    response = problem_response(Problem(404, "there is nothing at /\udcff"))
    assert isinstance(response.body, bytes)
    assert b'"there is nothing at /\\udcff"' in response.body


def test_a_status_without_a_phrase_still_has_a_title() -> None:
    assert Problem(499, "gone").title == "Error"
