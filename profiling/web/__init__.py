"""The debug routes of the profiler, written once for every kind of server, and their adapter for aiohttp.

    from profiling import Profiler
    from profiling.web import mount

    mount(app, Profiler(), token="...")

Routes, handlers and access use no web framework; the adapters are `profiling.asgi`, `profiling.wsgi` and
`profiling.serve`. What is for aiohttp (`mount`, `check_access`, `problem_response`, `problems_middleware`) needs
aiohttp, of the extra `web`, and is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from profiling.errors import MissingExtra
from profiling.report.status import health_status
from profiling.web.access import Access
from profiling.web.dispatcher import PREFIXES as PREFIXES
from profiling.web.jobs import JobControl, JobInfo
from profiling.web.messages import Problem

if TYPE_CHECKING:
    from profiling.web.mounting import check_access, mount
    from profiling.web.problems import problem_response, problems_middleware

__all__ = [
    "Access",
    "JobControl",
    "JobInfo",
    "Problem",
    "check_access",
    "health_status",
    "mount",
    "problem_response",
    "problems_middleware",
]

_OF_AIOHTTP = {
    "check_access": "profiling.web.mounting",
    "mount": "profiling.web.mounting",
    "problem_response": "profiling.web.problems",
    "problems_middleware": "profiling.web.problems",
}


def __getattr__(name: str) -> object:
    if name not in _OF_AIOHTTP:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_OF_AIOHTTP[name]), name)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"profiling.web.{name}", (error.name or "").partition(".")[0], "web") from error
