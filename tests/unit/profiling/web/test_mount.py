"""What `mount` refuses, in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from profiling import Profiler
from profiling.web import mount


class FastAPI:
    """Another framework's application."""


@pytest.mark.parametrize("app", [FastAPI(), FastAPI])
def test_application_of_another_framework_is_refused_with_what_to_do(app: Any) -> None:
    with pytest.raises(TypeError) as refused:
        mount(app, Profiler(level="counters"))
    assert str(refused.value) == (
        "mount adds routes to an aiohttp.web.Application, not to a tests.unit.profiling.web.test_mount.FastAPI; "
        "profiling.asgi and profiling.wsgi have the routes for other frameworks, as docs/http.md shows"
    )


@pytest.mark.parametrize("profiler", [None, Profiler, "lines"])
def test_other_thing_than_a_profiler_is_refused(profiler: Any) -> None:
    with pytest.raises(TypeError, match=r"^mount takes a Profiler after the application, as in mount\(app, Profiler"):
        mount(web.Application(), profiler)


@pytest.mark.parametrize("token", [5, b"t0ken", " t0ken", "two words", "t\n"])
def test_token_that_no_header_can_bear_is_refused_without_telling_the_token(token: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^token must") as refused:
        mount(web.Application(), Profiler(level="counters"), token=token)
    assert "t0ken" not in str(refused.value)
