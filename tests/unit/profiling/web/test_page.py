"""The page without a server: who gets it, what it costs before somebody looks, and its updates."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from profiling import Level, Profiler
from profiling.asgi import DebugApp
from profiling.report.page.files import script, style_sheet
from profiling.web import page as page_module
from profiling.web.dispatcher import Dispatcher, dispatcher_of
from profiling.web.messages import PROBLEM_JSON, Request, Response, query_of
from profiling.web.page import MAX_LISTENERS, root_of
from profiling.web.page_state import PageStates
from tests.integration.debug.conftest import HandMadeJobs
from tests.unit.profiling.make import run

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
HERE = Path(__file__)


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    profiler = Profiler(level=Level.COUNTERS, limit_mb=512)
    profiler.history.add(run(1, {(str(HERE), 3): (1_000, 4), ("/gone.py", 1): (1, 1), ("/etc/passwd", 1): (1, 1)}))
    yield profiler
    profiler.close()


def dispatcher(profiler: Profiler, **said: Any) -> Dispatcher:
    rule: dict[str, Any] = {"token": None, "open_to_all": False, "access": None, "environment": None, "jobs": None}
    return dispatcher_of(profiler, **(rule | said))


async def asked(debug: Dispatcher, path: str, **said: Any) -> Response:
    path, _, query = path.partition("?")
    return await debug.respond(Request(method="GET", prefix="/debug", path=path, query=query_of(query), **said))


async def test_browser_gets_the_page_and_other_clients_the_index(profiler: Profiler) -> None:
    debug = dispatcher(profiler, open_to_all=True)
    shown = await asked(debug, "/", accept=BROWSER)
    assert shown.content_type == "text/html; charset=utf-8"
    assert b'<h1 id="sentence">' in shown.body
    assert "script-src 'self'" in shown.headers["Content-Security-Policy"]
    assert "routes" in json.loads((await asked(debug, "/", accept="*/*")).body)
    assert "Accept" in shown.headers["Vary"]


@pytest.mark.parametrize("authorization", ["", "Bearer wrong"])
async def test_browser_without_the_token_gets_403_with_a_form_and_no_data(
    profiler: Profiler, authorization: str
) -> None:
    debug = dispatcher(profiler, token="t0ken")
    shown = await asked(debug, "/", accept=BROWSER, authorization=authorization)
    assert (shown.status, shown.content_type) == (403, "text/html; charset=utf-8")
    text = shown.body.decode()
    assert '<form id="sign-in"' in text
    assert "of 512 MB" not in text
    assert "t0ken" not in text
    assert ("wrong" in text) is bool(authorization)


async def test_nobody_is_asked_for_a_token_that_is_not_set(profiler: Profiler) -> None:
    shown = await asked(dispatcher(profiler), "/", accept=BROWSER)
    assert shown.status == 403
    assert b"<form" not in shown.body


@pytest.mark.parametrize("path", ["/static/page.js", "/static/page.css", "/events", "/source?path=/a.py", "/jobs"])
async def test_all_else_is_refused_a_browser_as_it_is_refused_anybody(profiler: Profiler, path: str) -> None:
    shown = await asked(dispatcher(profiler, token="t0ken"), path, accept=BROWSER)
    assert (shown.status, shown.content_type) == (403, PROBLEM_JSON)


async def test_file_may_be_kept_only_by_the_tag_of_its_content(profiler: Profiler) -> None:
    debug = dispatcher(profiler, open_to_all=True)
    for path, tag in (("/static/page.js", script("page").tag), ("/static/page.css", style_sheet().tag)):
        assert "immutable" in (await asked(debug, f"{path}?v={tag}")).headers["Cache-Control"]
        for other in ("", "?v=0"):
            assert (await asked(debug, path + other)).headers["Cache-Control"] == "no-cache"
        assert f"{path[1:]}?v={tag}".encode() in (await asked(debug, "/", accept=BROWSER)).body


@pytest.mark.parametrize(
    ("prefix", "path", "root"),
    [("/debug", "/", "./"), ("/debug", "", "debug/"), ("/api/v1/debug", "", "debug/"), ("", "", "./"), ("", "/", "./")],
)
def test_addresses_are_relative_so_that_they_hold_behind_a_proxy(prefix: str, path: str, root: str) -> None:
    assert root_of(Request(method="GET", prefix=prefix, path=path)) == root


async def test_events_are_counted_and_carry_the_first_screen(
    profiler: Profiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profiling.web.page_state.MIN_PACE_S", 0.0)
    monkeypatch.setattr("profiling.web.page_state.MAX_PACE_S", 0.0)
    shown = await asked(dispatcher(profiler, open_to_all=True), "/events?updates=2")
    assert shown.parts is not None
    events = [part async for part in shown.parts]
    assert len(events) == 2
    told = json.loads(events[0].partition(b"data: ")[2])
    assert events[0].endswith(b"\n\n")
    assert '<h1 id="sentence">' in told["now"]
    assert "<tr" in told["rows"]


async def test_listeners_are_few_and_a_place_is_free_when_one_leaves(profiler: Profiler) -> None:
    debug = dispatcher(profiler, open_to_all=True)
    listening = [(await asked(debug, "/events")).parts for _ in range(MAX_LISTENERS)]
    for parts in listening:
        assert parts is not None
        await anext(parts)
    refused = await asked(debug, "/events")
    assert refused.status == 503
    assert refused.headers["Retry-After"] == "10"
    for parts in listening:
        assert parts is not None
        await parts.aclose()
    assert (await asked(debug, "/events")).status == 200


async def test_answer_ends_with_the_server(profiler: Profiler) -> None:
    debug = dispatcher(profiler, open_to_all=True)
    parts = (await asked(debug, "/events?updates=60")).parts
    assert parts is not None
    await anext(parts)
    debug.end()
    assert [part async for part in parts] == []


async def test_asgi_client_that_leaves_ends_the_answer_at_once(profiler: Profiler) -> None:
    sent: list[str] = []
    is_shown = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await is_shown.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])
        if message.get("more_body"):
            is_shown.set()

    app = DebugApp(profiler, open_to_all=True)
    scope = {"type": "http", "method": "GET", "path": "/events", "headers": [], "query_string": b"updates=60"}
    await app(scope, receive, send)
    assert sent == ["http.response.start", "http.response.body", "http.response.body"]


async def test_state_is_made_again_only_after_its_pace(profiler: Profiler) -> None:
    now_s = 100.0
    states = PageStates(profiler, HandMadeJobs(), clock=lambda: now_s)
    first = await states.current()
    now_s += states.pace_s * 0.99
    assert await states.current() is first
    now_s += states.pace_s * 0.02
    assert await states.current() is not first


async def test_source_is_that_of_files_in_runs_and_of_no_others(profiler: Profiler) -> None:
    debug = dispatcher(profiler, open_to_all=True)
    shown = json.loads((await asked(debug, f"/source?path={HERE}&line=3")).body)
    assert (shown["first"], shown["line"]) == (1, 3)
    assert shown["lines"][2] == "from __future__ import annotations"
    assert len(shown["lines"]) == 3 + page_module.AROUND_LINES
    for path in ("/etc/passwd", "/gone.py", __file__.replace("test_page", "test_mount")):
        assert (await asked(debug, f"/source?path={path}&line=1")).status == 404
    assert json.loads((await asked(debug, f"/source?path={HERE}&line=1000000")).body)["lines"] == []


def test_nothing_of_the_page_is_imported_before_somebody_looks() -> None:
    code = (
        "import asyncio, sys\n"
        "from profiling import Profiler\n"
        "from profiling.web.dispatcher import dispatcher_of\n"
        "from profiling.web.messages import Request\n"
        "profiler = Profiler(level='counters')\n"
        "debug = dispatcher_of(profiler, token=None, open_to_all=True, access=None, environment=None, jobs=None)\n"
        "for path in ('/', '/jobs', '/health', '/memory/runs'):\n"
        "    assert asyncio.run(debug.respond(Request(method='GET', prefix='', path=path))).status == 200\n"
        "late = ('profiling.report.page', 'profiling.web.page_state')\n"
        "print([name for name in sys.modules if name.startswith(late)])\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
