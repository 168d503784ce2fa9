"""From a request to its response: find the route, check the access, call the handler, and turn errors into answers.

No web framework is used here. An adapter makes a `Request` from what its server received, and sends the `Response`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import unquote

from profiling.profiler import Profiler
from profiling.web.accept import prefers_html
from profiling.web.access import READING, Access
from profiling.web.declarations import Route
from profiling.web.errors import problem_of
from profiling.web.jobs import JobControl, ProfiledJobs
from profiling.web.messages import Problem, Request, Response
from profiling.web.query import given
from profiling.web.routes import DebugRoutes
from profiling.web.table import ROUTES

PREFIXES = ("/api/v1/debug", "/debug")
# names the process that answered, because each worker of a server knows only its own memory
PROCESS_HEADER = "X-Profiler-Process"

_log = logging.getLogger(__name__)


class Dispatcher:
    """The debug routes of one profiler with one access rule."""

    def __init__(self, handlers: DebugRoutes, access: Access) -> None:
        self._handlers = handlers
        self._access = access

    async def respond(self, request: Request) -> Response:
        """Return the answer to a request, also if an error happens.

        The answer to a HEAD has the body of its GET, which is not to be sent.
        """
        try:
            response = await self._answer(request)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                # The path is percent-encoded, so that it cannot break the log's line; a query may hold a secret.
                path = request.prefix + request.path
                _log.error("unexpected error in %s %s", request.method, path, exc_info=error)
                problem = Problem.unexpected()
            response = await self._form(problem, request) or problem.response()
        return replace(response, headers={**response.headers, PROCESS_HEADER: str(os.getpid())})

    def end(self) -> None:
        """End all answers that go on, because the server ends."""
        self._handlers.end()

    async def _form(self, problem: Problem, request: Request) -> Response | None:
        """Return the form for the token if a browser is refused the page."""
        is_page = request.path in {"", "/"} and request.method in READING and prefers_html(request.accept)
        if not is_page or problem.status != HTTPStatus.FORBIDDEN:
            return None
        return await asyncio.to_thread(self._make_form, problem, request)

    def _make_form(self, problem: Problem, request: Request) -> Response:
        from profiling.web.page import refusal  # needed only if somebody looks

        return refusal(problem, request, has_token=not self._access.lets_nobody_in)

    async def _answer(self, request: Request) -> Response:
        found = dict(_routes_at(request.path))
        method = "GET" if request.method == "HEAD" else request.method
        match = next(((route, places) for route, places in found.values() if route.method == method), None)
        if match is None:
            # Changes nothing, so whoever may read is told that the path or the method is wrong.
            self._access.check(request.authorization, changes=False)
            if not found:
                raise Problem.nothing_at(request.full_path)
            raise Problem.not_allowed(request.method, request.full_path, _with_head(found))
        route, places = match
        if route.is_open:  # often called, so it passes none of the checks
            return await route.handler(self._handlers, request, {})
        if route.is_for_scrapers:
            self._access.check_scraper(request.authorization)
        else:
            self._access.check(request.authorization, changes=request.method not in READING)
        response = await route.handler(self._handlers, request, given(route, request.query, places))
        return replace(response, parts=None) if request.method == "HEAD" else response


def dispatcher_of(
    profiler: Profiler,
    *,
    token: str | None,
    open_to_all: bool,
    access: Access | None,
    environment: str | None,
    jobs: JobControl | None,
) -> Dispatcher:
    """Return the dispatcher of a profiler, from the arguments that `mount` has for every kind of server.

    Raises:
        TypeError: `profiler` is not a Profiler, or both forms of rule are given.
    """
    if not isinstance(profiler, Profiler):
        raise TypeError(f"the debug routes need a Profiler, not {profiler!r}")
    if access is None:
        access = Access(token=token, open_to_all=open_to_all)
    elif token is not None or open_to_all:
        raise TypeError("mount takes access=..., or token=... and open_to_all=..., but not both")
    return Dispatcher(DebugRoutes(profiler, jobs or ProfiledJobs(profiler), environment), access)


def split_path(prefixes: Iterable[str], path: str) -> tuple[str | None, str]:
    """Return the prefix that the path begins with, and the rest of the path; None and the path if there is none."""
    for prefix in prefixes:
        rest = path.removeprefix(prefix)
        if len(rest) < len(path) and rest[:1] in {"", "/"}:
            return prefix, rest
    return None, path


def _pattern_of(path: str) -> re.Pattern[str]:
    # The name of a scope may have slashes, and some servers decode them before this code sees the path.
    part = ".+" if path.endswith("{scope}") else "[^/]+"
    return re.compile(re.sub(r"\\{(\w+)\\}", rf"(?P<\1>{part})", re.escape(path)))


_PATTERNS = [(_pattern_of(route.path), route) for route in ROUTES]


def _routes_at(path: str) -> Iterator[tuple[str, tuple[Route, Mapping[str, str]]]]:
    """Yield the routes at a path by their method, with the decoded parameters in the path."""
    for pattern, route in _PATTERNS:
        # The index is also found without its slash.
        if match := pattern.fullmatch(path or "/"):
            yield route.method, (route, {name: unquote(value) for name, value in match.groupdict().items()})


def _with_head(methods: Mapping[str, object]) -> list[str]:
    return [*methods, *(["HEAD"] if "GET" in methods else [])]
