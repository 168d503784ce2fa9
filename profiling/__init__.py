"""A memory profiler for asyncio services: which job, which line, how much, and whether it is a leak.

    profiler = Profiler()
    async with profiler.run("prices") as run:
        await collect_prices()
    print(run.profile.retained_bytes)

`profiling.web.mount` adds its HTTP routes to an aiohttp application.
"""

from __future__ import annotations

from profiling.errors import ProfilingError
from profiling.history import History, RunStore
from profiling.profiler import Profiler
from profiling.records import Level, RunDiff, RunProfile, State, Verdict
from profiling.run import Run

__all__ = [
    "History",
    "Level",
    "Profiler",
    "ProfilingError",
    "Run",
    "RunDiff",
    "RunProfile",
    "RunStore",
    "State",
    "Verdict",
]
