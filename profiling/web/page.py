"""The handlers of the page: the document, its files, its updates, and what its pictures are made of.

Imported when somebody looks for the first time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus
from itertools import islice
from pathlib import Path

from profiling.overview import live_samples
from profiling.process.usage import resident_and_virtual
from profiling.profiler import Profiler
from profiling.report.page import document, files, first_screen
from profiling.report.stacks import Json, stacks_to_dict
from profiling.source import MAX_SOURCE_CHARS, short_path
from profiling.stacks import live_stacks
from profiling.web.accept import HTML
from profiling.web.encoding import dumps
from profiling.web.jobs import JobControl
from profiling.web.messages import Problem, Request, Response, json_response
from profiling.web.page_state import PageStates
from profiling.web.query import Given
from profiling.web.routes import DebugRoutes

NEEDS_TOKEN = "The memory of this service is shown to whoever has its debug token."  # noqa: S105 - a sentence
MAX_LISTENERS = 8
AROUND_LINES = 12  # of source, on each side of a line
EVENT_STREAM = "text/event-stream"
_YEAR_S = 31_536_000
_PRIVATE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Vary": "Accept, Authorization"}


class Page:
    """The page of one profiler."""

    def __init__(self, profiler: Profiler, jobs: JobControl) -> None:
        self._profiler = profiler
        self._states = PageStates(profiler, jobs)
        self._known: frozenset[str] = frozenset()  # files whose source may be shown
        self._listening = 0
        self._ending = asyncio.Event()
        self._reporting = asyncio.Lock()  # a report takes some megabytes, so only one is made at a time

    async def show(self, request: Request) -> Response:
        """Answer with the page."""
        html = await asyncio.to_thread(document.page_html, await self._states.current(), root_of(request))
        return _html(html, document.page_policy())

    async def style_sheet(self, given: Given) -> Response:
        """Answer with the style sheet."""
        return _file(await asyncio.to_thread(files.style_sheet), given)

    async def script(self, given: Given) -> Response:
        """Answer with the script."""
        return _file(await asyncio.to_thread(files.script, "page"), given)

    async def events(self, given: Given) -> Response:
        """Answer with the first screen, again and again, as server-sent events; Problem 503 if too many listen."""
        if self._listening >= MAX_LISTENERS:
            detail = f"{MAX_LISTENERS} pages are being updated, which is the most; close one"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "10"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy must not keep events back
        return Response(
            body=b"", content_type=EVENT_STREAM, headers=headers, parts=self._updates(int(given["updates"]))
        )

    async def _updates(self, updates: int) -> AsyncGenerator[bytes]:
        self._listening += 1
        try:
            for number in range(updates):
                if number and await self._is_ending(self._states.pace_s):
                    return
                yield await self._event()
        finally:
            self._listening -= 1

    async def _is_ending(self, wait_s: float) -> bool:
        """Wait, and return whether the server ends meanwhile."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._ending.wait()
        except TimeoutError:
            return False

    def end(self) -> None:
        """End all answers that go on, because the server ends."""
        self._ending.set()

    async def _event(self) -> bytes:
        state = await self._states.current()
        told = {
            "title": first_screen.title_of(state),
            "alert": state.headline.alert.value,
            "now": first_screen.now_html(state),
            "rows": first_screen.rows_html(state),
            "process": state.process,
            "pace_s": self._states.pace_s,
        }
        return b"retry: 1000\nevent: state\ndata: " + dumps(told) + b"\n\n"

    async def report(self, owner: DebugRoutes) -> Response:
        """Answer with the page of this moment as one file to keep."""
        from profiling.web.report import report  # needed only for a report

        async with self._reporting:
            state = await self._states.current()
            body = await report(owner, state)
        name = f"memory-{state.at:%Y%m%d-%H%M%S}.html"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store", **_PRIVATE}
        return Response(body=body, content_type=f"{HTML}; charset=utf-8", headers=headers)

    async def stacks(self, given: Given) -> Response:
        """Answer with all live stacks. Raises SamplerUnavailable."""
        return json_response(await asyncio.to_thread(_read_stacks, given["limit"]))

    async def source(self, given: Given) -> Response:
        """Answer with the lines around a line. Raises Problem 404 if the file is in no stack, or cannot be read."""
        return json_response(await asyncio.to_thread(self._read_source, given["path"], given["line"]))

    def _read_source(self, path: str, line: int) -> Json:
        if not path.endswith(".py") or not self._is_known(path):
            raise Problem(HTTPStatus.NOT_FOUND, f"{path} is no Python file in a live stack or in a run of the history")
        first = max(1, line - AROUND_LINES)
        try:
            with Path(path).open(encoding="utf-8", errors="replace") as file:
                lines = [text.rstrip("\n")[:MAX_SOURCE_CHARS] for text in islice(file, first - 1, line + AROUND_LINES)]
        except (OSError, ValueError) as error:
            raise Problem(HTTPStatus.NOT_FOUND, f"{path} cannot be read here") from error
        return {"path": path, "file": short_path(path), "line": line, "first": first, "lines": lines}

    def _is_known(self, path: str) -> bool:
        """Return whether the file is or was in a live stack or in a run of the history."""
        if path not in self._known:  # a reading of all samples takes some milliseconds, and a report shows many lines
            self._known = self._known_now()
        return path in self._known

    def _known_now(self) -> frozenset[str]:
        frames = live_samples().frames if self._profiler.statistics().sampler else ()
        tables = (lines.live for run in self._profiler.history.runs() for lines in (run.lines, run.samples) if lines)
        return frozenset({file for file, _, _ in frames} | {file for table in tables for file, _ in table.keys})


def _file(file: files.ClientFile, given: Given) -> Response:
    """Return a file for the browser, which may keep it if it was asked for by the tag of its content."""
    is_pinned = given["v"] == file.tag
    kept = f"private, max-age={_YEAR_S}, immutable" if is_pinned else "no-cache"
    headers = {"Cache-Control": kept, **_PRIVATE}
    return Response(body=file.text.encode(), content_type=file.content_type, headers=headers)


def refusal(problem: Problem, request: Request, *, has_token: bool) -> Response:
    """Return the answer to a browser that may not look: the same status, and a form that asks for the token."""
    detail = problem.detail if request.authorization or not has_token else NEEDS_TOKEN
    html = document.sign_in_html(detail, root_of(request), has_token=has_token)
    return _html(html, document.sign_in_policy(), problem.status)


def root_of(request: Request) -> str:
    """Return the relative path from the page to the debug routes, which holds behind every proxy."""
    last = request.prefix.rpartition("/")[2]
    return "./" if request.path or not last else f"{last}/"


def _html(html: str, policy: str, status: int = HTTPStatus.OK) -> Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", **_PRIVATE}
    body = html.encode(errors="replace")
    return Response(body=body, status=status, content_type=f"{HTML}; charset=utf-8", headers=headers)


def _read_stacks(limit: int) -> Json:
    return stacks_to_dict(live_stacks(live_samples(), resident_and_virtual()[0], limit))
