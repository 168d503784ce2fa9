"""The report: the page of one moment, with the answers that its pictures are made of, as one file.

Imported when somebody asks for a report for the first time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import quote

from profiling.errors import SamplerUnavailable
from profiling.profiler import Profiler
from profiling.report.page.document import report_html
from profiling.report.page.state import PageState, Row
from profiling.web.access import Access
from profiling.web.dispatcher import Dispatcher
from profiling.web.jobs import ProfiledJobs
from profiling.web.messages import Request, query_of
from profiling.web.page_state import PageStates
from profiling.web.routes import DebugRoutes

MAX_BYTES = 4 << 20  # of all answers in a report; answers that have no room are left out
MAX_OPENED = 12  # rows that open to their lines
MAX_DIFFS = 10  # jobs with what changed from the first of their runs to the last
MAX_SOURCES = 40  # lines with the source around them
MAX_RUNS, MAX_RUNS_OF_JOB = 1_000, 50  # as in the page
ALWAYS = (
    "memory/stacks",
    "jobs",
    "timeline?span=10m",
    "memory/runs?limit=200",
    "timeline?span=2h",
    "timeline?span=7d",
)


async def report(owner: DebugRoutes, state: PageState) -> bytes:
    """Return the report of a state, without blocking the loop."""
    return await asyncio.to_thread(report_html, state, await _answers(owner, state))


def report_of(profiler: Profiler) -> bytes:
    """Return the report of a profiler of this process. Waits for a thread, because this one may have an event loop."""
    jobs = ProfiledJobs(profiler)
    owner = DebugRoutes(profiler, jobs, None)

    async def make() -> bytes:
        return await report(owner, await PageStates(profiler, jobs).current())

    with ThreadPoolExecutor(1, thread_name_prefix="profiling: report") as thread:
        return thread.submit(lambda: asyncio.run(make())).result()


async def _answers(owner: DebugRoutes, state: PageState) -> Mapping[str, bytes]:
    """Return what the routes answer, by the path that the page asks for, the most important answers first."""
    dispatcher = Dispatcher(owner, Access(open_to_all=True))
    answers, left = dict[str, bytes](), MAX_BYTES
    for path in (*ALWAYS, *await asyncio.to_thread(lambda: list(_paths(owner.profiler, state.rows)))):
        place, _, query = path.partition("?")
        response = await dispatcher.respond(Request(method="GET", prefix="", path=f"/{place}", query=query_of(query)))
        if response.status == HTTPStatus.OK and len(response.body) <= left:
            answers[path] = response.body
            left -= len(response.body)
    return answers


def _paths(profiler: Profiler, rows: tuple[Row, ...]) -> Iterator[str]:
    for row in rows[:MAX_OPENED]:
        yield f"scopes/{_component(row.name)}?limit=12"
    for file, line in _sites(profiler, rows):
        yield f"source?path={_component(file)}&line={line}"
    yield f"memory/runs?limit={MAX_RUNS}"
    yield from _diffs(profiler, rows)


def _sites(profiler: Profiler, rows: tuple[Row, ...]) -> list[tuple[str, int]]:
    """Return the suspects, and the lines that hold most."""
    sites = [suspect.site for row in rows if row.verdict for suspect in row.verdict.suspects]
    try:
        live = profiler.live(limit=MAX_SOURCES).sites
    except SamplerUnavailable:
        live = ()
    sites += [(site.path, site.line) for site in live if site.path and site.line]
    return list(dict.fromkeys(sites))[:MAX_SOURCES]


def _diffs(profiler: Profiler, rows: tuple[Row, ...]) -> Iterator[str]:
    """Yield the comparisons that the page shows first: of a job's last run with the oldest one in the list."""
    runs = profiler.history.runs()[-MAX_RUNS:]
    for job in [row.name for row in rows if row.activity][:MAX_DIFFS]:
        ids = [run.id for run in runs if run.job == job][-MAX_RUNS_OF_JOB:]
        if len(ids) > 1:
            yield f"memory/diff?job={_form(job)}&run={ids[-1]}&against={ids[0]}&limit=1000"


def _component(text: str) -> str:
    """Return the text as `encodeURIComponent` of a browser has it."""
    return quote(text, safe="!~*'()")


def _form(text: str) -> str:
    """Return the text as `URLSearchParams` of a browser has it."""
    return quote(text, safe="* ").replace("~", "%7E").replace(" ", "+")
