"""The debug routes without any server: a request in, a response out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from profiling import Level, Profiler
from profiling.web.dispatcher import PROCESS_HEADER, Dispatcher, dispatcher_of
from profiling.web.messages import PROBLEM_JSON, Request, Response, query_of
from profiling.web.table import ROUTES


def dispatcher(profiler: Profiler, **said: Any) -> Dispatcher:
    rule: dict[str, Any] = {"token": None, "open_to_all": False, "access": None, "environment": None, "jobs": None}
    return dispatcher_of(profiler, **(rule | said))


async def asked(path: str, method: str = "GET", authorization: str = "", **said: Any) -> Response:
    path, _, query = path.partition("?")
    profiler = Profiler(level=Level.COUNTERS)
    with profiler.run("GET /items/{id}"):
        pass
    request = Request(method=method, prefix="/debug", path=path, query=query_of(query), authorization=authorization)
    return await dispatcher(profiler, **said).respond(request)


async def test_every_route_is_found_and_names_the_process_that_answers() -> None:
    for route in ROUTES:
        path = route.path.format(job_id="a", run_id=1, scope="a")
        response = await asked(path, route.method, "Bearer t", token="t")
        assert response.status not in {405, 403, 500}, path
        assert response.headers[PROCESS_HEADER] == str(os.getpid())


@pytest.mark.parametrize(("said", "status"), [({}, 403), ({"token": "t"}, 403), ({"open_to_all": True}, 200)])
async def test_routes_are_closed_to_whom_no_rule_lets_in(said: dict[str, Any], status: int) -> None:
    assert (await asked("/jobs", **said)).status == status
    assert (await asked("/health", **said)).status == 200
    assert (await asked("/memory/trim", "POST", **said)).status == 403


async def test_job_with_a_slash_in_its_name_is_found_by_its_percent_encoded_name() -> None:
    response = await asked("/jobs/GET%20%2Fitems%2F%7Bid%7D/verdict", open_to_all=True)
    assert json.loads(response.body)["job"] == "GET /items/{id}"


@pytest.mark.parametrize(
    ("path", "method", "status", "allow"),
    [
        ("/nothing", "GET", 404, None),
        ("/memory/runs/1/2", "GET", 404, None),
        ("/health/", "GET", 404, None),
        ("/jobs", "DELETE", 405, "GET,HEAD"),
        ("", "PUT", 405, "GET,HEAD"),
        ("/memory/trim", "HEAD", 405, "POST"),
        ("/health", "POST", 405, "GET,HEAD"),
    ],
)
async def test_what_no_route_answers_is_a_problem(path: str, method: str, status: int, allow: str | None) -> None:
    response = await asked(path, method, open_to_all=True)
    assert (response.status, response.content_type) == (status, PROBLEM_JSON)
    assert response.headers.get("Allow") == allow
    assert f"/debug{path}" in json.loads(response.body)["detail"]


async def test_first_value_of_a_name_counts_and_an_empty_value_is_no_missing_one() -> None:
    assert (await asked("/memory/runs?limit=1&limit=x", open_to_all=True)).status == 200
    assert (await asked("/memory/runs?limit=", open_to_all=True)).status == 422


def test_the_routes_load_no_web_framework_and_answer_without_orjson() -> None:
    code = (
        "import sys; sys.modules['orjson'] = None\n"
        "import asyncio, profiling.web\n"
        "from profiling import Profiler\n"
        "from profiling.web.dispatcher import *\n"
        "from profiling.web.messages import Request\n"
        "profiler = Profiler(level='counters')\n"
        "routes = dispatcher_of(profiler, token=None, open_to_all=True, access=None, environment=None, jobs=None)\n"
        "answer = asyncio.run(routes.respond(Request(method='GET', prefix='', path='/jobs')))\n"
        "print(answer.body, {'aiohttp', 'starlette', 'flask', 'http.server'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == """b'{"scheduler_enabled":false,"jobs":[]}' set()\n"""
