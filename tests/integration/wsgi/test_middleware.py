"""Requests of Flask, of Django and of plain WSGI applications as scopes, named by the templates of their routes."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from profiling import Level, Profiler
from profiling.samples import sampler
from profiling.wsgi import DebugApp, ProfilerMiddleware, mount

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, limit_mb=512)) as profiler:
        yield profiler


def calls(profiler: Profiler) -> dict[str, int]:
    return {name: label.calls for name, label in profiler._scopes.labels.items()}


def called(app: Any, path: str, method: str = "GET", **said: Any) -> tuple[str, bytes]:
    """Return the status and the body that an application answers with to a server that does as PEP 3333 says."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": ""} | said
    setup_testing_defaults(environ)
    told: list[str] = []
    body = app(environ, lambda status, _headers, _error=None: told.append(status))
    try:
        return told[0], b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()


def flask_app() -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/items/<int:id>", "item", lambda id: f"{id}")  # noqa: A006 - as users write it
    app.add_url_rule("/files/<path:path>", "file", lambda path: path, methods=["PUT"])
    app.add_url_rule("/slash/", "slash", lambda: "")
    app.add_url_rule("/stream", "stream", lambda: Response(f"{number}\n" for number in range(3)))
    return app


@pytest.fixture(scope="module")
def django_app() -> Any:
    from django.core.wsgi import get_wsgi_application

    from tests.integration.wsgi import django_urls

    django_urls.set_up()
    return get_wsgi_application()


def plain_app(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"fine"]


def test_each_request_of_flask_is_a_call_of_its_routes_scope(profiler: Profiler) -> None:
    app = flask_app()
    app.wsgi_app = ProfilerMiddleware(app.wsgi_app, profiler)  # type: ignore[method-assign]
    for number in range(30):
        assert called(app, f"/items/{number}") == ("200 OK", str(number).encode())
        assert called(app, f"/{number}")[0] == "404 NOT FOUND"
    assert called(app, "/files/a/b/c", "PUT")[0] == "200 OK"
    assert called(app, "/slash")[0] == "308 PERMANENT REDIRECT"
    assert called(app, "/items/7", "DELETE")[0] == "405 METHOD NOT ALLOWED"
    assert called(app, "/stream") == ("200 OK", b"0\n1\n2\n")
    assert calls(profiler) == {
        "GET /items/<int:id>": 30,
        "(no route)": 32,
        "PUT /files/<path:path>": 1,
        "GET /stream": 1,
    }


def test_flask_is_found_below_other_middlewares_and_by_its_hosts(profiler: Profiler) -> None:
    app = flask_app()
    below = ProfilerMiddleware(ProxyFix(app.wsgi_app), profiler)
    assert called(below, "/items/7")[0] == "200 OK"
    hosts = Flask(__name__, host_matching=True, static_folder=None)
    hosts.add_url_rule("/items/<int:id>", "item", lambda id: f"{id}", host="a.example")  # noqa: A006
    by_host = ProfilerMiddleware(hosts, profiler)
    assert called(by_host, "/items/7", HTTP_HOST="a.example")[0] == "200 OK"
    assert called(by_host, "/items/7", HTTP_HOST="b.example")[0] == "404 NOT FOUND"
    assert calls(profiler) == {"GET /items/<int:id>": 2, "(no route)": 1}


def test_each_request_of_django_is_a_call_of_its_routes_scope(profiler: Profiler, django_app: Any) -> None:
    app = mount(django_app, profiler, open_to_all=True)
    for number in range(30):
        assert called(app, f"/items/{number}/") == ("200 OK", b"fine")
        assert called(app, f"/{number}")[0] == "404 Not Found"
    assert called(app, "/api/things/a-b")[0] == "200 OK"
    assert called(app, "/stream") == ("200 OK", b"0\n1\n2\n")
    assert called(app, "/debug/health")[0] == "200 OK"
    assert called(app, "/debugger")[0] == "404 Not Found"
    app.close()
    assert calls(profiler) == {
        "GET /items/<int:id>/": 30,
        "(no route)": 31,
        "GET /api/things/<slug:name>": 1,
        "GET /stream": 1,
    }


@pytest.mark.parametrize(("method", "label"), [("GET", "GET"), ("X7", "(other method)")])
def test_application_without_known_routes_is_told_by_the_method_alone(
    profiler: Profiler, method: str, label: str
) -> None:
    assert called(ProfilerMiddleware(plain_app, profiler), "/items/7", method) == ("200 OK", b"fine")
    assert calls(profiler) == {label: 1}


def test_label_of_ones_own_is_taken(profiler: Profiler) -> None:
    assert called(ProfilerMiddleware(plain_app, profiler, label=lambda _: "mine"), "/items/7")[0] == "200 OK"
    assert calls(profiler) == {"mine": 1}


def active(profiler: Profiler) -> int:
    return sum(label.active for label in profiler._scopes.labels.values())


def test_scope_lasts_until_the_server_has_closed_the_response_and_an_error_ends_it(profiler: Profiler) -> None:
    at_work: list[int] = []
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            at_work.append(active(profiler))
            yield b"x"

        def close(self) -> None:
            closed.append(True)

    def lazy(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Body()

    def broken(_environ: Any, _start_response: Any) -> Iterable[bytes]:
        raise LookupError

    assert called(ProfilerMiddleware(lazy, profiler), "/") == ("200 OK", b"x")
    with pytest.raises(LookupError):
        called(ProfilerMiddleware(broken, profiler), "/")
    assert (at_work, closed, active(profiler)) == ([1], [True], 0)


@pytest.mark.parametrize(
    "wrapper", [FileWrapper, lambda file: FileWrapper(file), None], ids=["class", "function", "none"]
)
def test_file_is_handed_to_the_server_as_it_is_if_the_server_can_send_it(
    profiler: Profiler, wrapper: Callable[..., Any] | None
) -> None:
    file = FileWrapper(io.BytesIO(b"x" * 10))

    def app(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return file

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"} | ({"wsgi.file_wrapper": wrapper} if wrapper else {})
    served: Any = ProfilerMiddleware(app, profiler)
    body = served(environ, lambda *_: None)
    assert (body is file) is isinstance(wrapper, type)
    assert b"".join(body) == b"x" * 10
    body.close()
    assert active(profiler) == 0


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI", None])
def test_job_with_a_slash_in_its_name_is_reached_if_the_server_tells_the_path_as_it_was_sent(
    profiler: Profiler, key: str | None
) -> None:
    with profiler.run("a/b"):
        pass
    app = DebugApp(profiler, open_to_all=True)
    raw = {key: "/debug/jobs/a%2Fb/verdict?x"} if key else {}
    status, _ = called(app, "/jobs/a/b/verdict", SCRIPT_NAME="/debug", QUERY_STRING="", **raw)
    assert status == ("200 OK" if key else "404 Not Found")
    app.close()


def test_path_that_is_no_utf_8_is_not_there(profiler: Profiler) -> None:
    app = mount(plain_app, profiler, open_to_all=True)
    assert called(app, "/debug/\xff\xfe")[0] == "404 Not Found"
    assert called(app, "/\xff\xfe")[0] == "200 OK"
    app.close()


def test_no_framework_is_imported() -> None:
    code = (
        "import sys, profiling.wsgi, profiling.asgi\n"
        "print({'flask', 'django', 'starlette', 'fastapi', 'werkzeug', 'wsgiref', 'http.server'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"
