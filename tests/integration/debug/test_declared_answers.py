"""Every key of every answer is declared, with a description, and every declared key is one that answers have."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import Profiler
from profiling.process import contents, full_collections
from profiling.samples import sampler
from profiling.web import mount
from profiling.web.memory_answers import PROBLEM
from profiling.web.parameters import Parameter
from profiling.web.shapes import Shape, switch, text, whole
from profiling.web.table import ROUTES
from tests.integration.debug.conftest import WITH_TOKEN, HandMadeJobs
from tests.integration.debug.declared import differences, held_to_declarations

kept: list[bytes] = []

PATHS = [
    ("GET", "/"),
    ("GET", "/openapi.json"),
    ("GET", "/health"),
    ("GET", "/memory"),
    ("GET", "/memory/diff?job=sync"),
    ("GET", "/memory/diff?seconds=1"),
    ("GET", "/memory/diff"),
    ("GET", "/memory/live"),
    ("GET", "/memory/live?group_by=scope&order=allocated"),
    ("GET", "/memory/stacks"),
    ("GET", f"/source?path={__file__}&line=1"),
    ("GET", "/source?path=/nope.py"),
    ("GET", "/events?updates=1"),
    ("GET", "/report"),
    ("GET", "/static/page.css"),
    ("GET", "/static/page.js"),
    ("GET", "/timeline?span=2h"),
    ("GET", "/pprof/heap"),
    ("GET", "/metrics"),
    ("GET", "/pprof/allocs?debug=1&gc=1"),
    ("GET", "/scopes"),
    ("GET", "/scopes/sync"),
    ("GET", "/scopes/nope"),
    ("GET", "/memory/runs"),
    ("GET", "/memory/runs/40"),
    ("GET", "/jobs"),
    ("GET", "/jobs/sync/verdict"),
    ("GET", "/jobs/fills/verdict"),
    ("GET", "/jobs/nope/verdict"),
    ("PUT", "/jobs"),
    ("POST", "/memory/trim"),
    ("POST", "/jobs/sync/run"),
    ("POST", "/jobs/sync/pause"),
    ("POST", "/jobs/sync/resume"),
]
# Found by a walk over a small heap only, as in tests/integration/debug_routes.
SELDOM = {"LargeObject.type", "LargeObject.size_mb", "LargeObject.repr"}


def shapes() -> dict[str, Shape]:
    found = PROBLEM.within()
    for route in ROUTES:
        found |= route.answer.within() if route.answer else {}
    return found


def declared_keys() -> Iterator[tuple[str, str]]:
    for shape in shapes().values():
        for name, key in shape.keys.items():
            yield f"{shape.name}.{name}", key.description


def parameters() -> Iterator[Parameter]:
    for route in ROUTES:
        yield from (*route.places, *route.parameters, *route.instead)


@pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
async def test_answers_have_the_declared_keys_and_no_others(
    profiler: Profiler, jobs: HandMadeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", math.inf)  # a process of many tests has more than a service
    monkeypatch.setattr(contents, "MAX_WALKS_S", math.inf)
    ring: deque[bytes] = deque(maxlen=10_000)
    recorder = profiler._recorder()  # notes events from here on
    for _ in range(40):
        with profiler.run("sync"):
            kept.append(bytes(500_000))
        with profiler.run("fills"):
            ring.extend(bytes(5_000) for _ in range(100))
    app = web.Application()
    mount(app, profiler, open_to_all=True, environment="test", jobs=jobs)
    recorder.tick()
    with held_to_declarations(app) as met:
        async with TestClient(TestServer(app)) as client:
            for method, path in PATHS:
                async with client.request(method, f"/debug{path}", headers=WITH_TOKEN) as response:
                    assert response.status < 500, path
    kept.clear()
    assert {name for name, _ in declared_keys()} - met - SELDOM == set()


def test_every_key_and_every_parameter_has_a_description() -> None:
    assert [name for name, description in declared_keys() if not description] == []
    assert [parameter.name for parameter in parameters() if not parameter.description] == []
    assert [route.path for route in ROUTES if not route.summary] == []


def test_answer_that_is_not_as_declared_is_found() -> None:
    shape = Shape("Some", "", {"a": whole("", null=True), "b": text(""), "c": switch("")})
    assert differences({"a": None, "b": "x", "c": True}, shape, set()) == []
    assert sorted(differences({"a": True, "b": 1, "d": None}, shape, set())) == [
        "Some.a is True",
        "Some.b is 1",
        "Some.c is missing",
        "Some.d is not declared",
    ]
