"""The routes of the page, and their handlers, which import the page when somebody looks for the first time."""

from __future__ import annotations

from profiling.web.accept import HTML
from profiling.web.declarations import Route
from profiling.web.messages import Request, Response
from profiling.web.page_answers import SOURCE, STACKS
from profiling.web.parameters import Text, Whole
from profiling.web.query import Given
from profiling.web.routes import DebugRoutes

MAX_STACKS, MAX_LINE = 50_000, 1_000_000


async def stacks(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with all live stacks."""
    return await (await owner.page()).stacks(given)


async def source(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with the source around a line."""
    return await (await owner.page()).source(given)


async def events(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with updates of the page."""
    return await (await owner.page()).events(given)


async def report(owner: DebugRoutes, _request: Request, _given: Given) -> Response:
    """Answer with the page as one file."""
    return await (await owner.page()).report(owner)


async def page_css(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with the style sheet of the page."""
    return await (await owner.page()).style_sheet(given)


async def page_js(owner: DebugRoutes, _request: Request, given: Given) -> Response:
    """Answer with the script of the page."""
    return await (await owner.page()).script(given)


_VERSION = Text(name="v", description="tag of the content, by which the browser may keep the file")

PAGE_ROUTES = (
    Route(
        method="GET",
        path="/memory/stacks",
        handler=stacks,
        summary="The memory alive now, by scope and stack, as a flame graph needs it",
        answer=STACKS,
        parameters=(Whole(name="limit", description="most stacks returned", low=1, high=MAX_STACKS, default=5_000),),
        problems={409: "no samples are taken"},
    ),
    Route(
        method="GET",
        path="/source",
        handler=source,
        summary="The source around a line of a file that is in a live stack or in a run",
        answer=SOURCE,
        parameters=(
            Text(name="path", description="path of the file as its code names it", required=True, example="/a.py"),
            Whole(name="line", description="number of the line", low=1, high=MAX_LINE, default=1),
        ),
        problems={404: "the file is in no stack and in no run, or cannot be read"},
    ),
    Route(
        method="GET",
        path="/events",
        handler=events,
        summary="The first screen of the page again and again, as server-sent events",
        answer=None,
        parameters=(
            Whole(name="updates", description="how many updates until the answer ends", low=1, high=60, default=10),
        ),
        forms=("text/event-stream",),
        problems={503: "too many pages are being updated"},
    ),
    Route(
        method="GET",
        path="/report",
        handler=report,
        summary="The page of this moment as one HTML file to keep, which needs no service",
        answer=None,
        forms=(HTML,),
    ),
    Route(
        method="GET",
        path="/static/page.css",
        handler=page_css,
        summary="The style sheet of the page",
        answer=None,
        parameters=(_VERSION,),
        forms=("text/css",),
    ),
    Route(
        method="GET",
        path="/static/page.js",
        handler=page_js,
        summary="The script of the page",
        answer=None,
        parameters=(_VERSION,),
        forms=("text/javascript",),
    ),
)
