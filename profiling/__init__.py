"""Profile the memory of Python services: which job keeps memory, on which line, how much, and whether it leaks.

    profiler = Profiler()
    async with profiler.run("prices") as run:
        await collect_prices()
    print(run.profile.retained_bytes)

The public API is what this module exports, and `web`, `asgi`, `wsgi` and `serve` for the HTTP routes. All else may
change without notice.
"""

from __future__ import annotations

from profiling.errors import (
    ChildFailed,
    DiffInProgress,
    IntervalBroken,
    NotComparable,
    NotEnoughRuns,
    OverBudget,
    ProfilingError,
    SamplerUnavailable,
    UnknownJob,
    UnknownRun,
)
from profiling.history import History, RunStore
from profiling.profiler import Profiler
from profiling.records import (
    Change,
    DiffTotals,
    Forecast,
    Level,
    LiveMemory,
    LiveSite,
    MemoryLimit,
    MemoryUsage,
    Outcome,
    Outlook,
    OwnerKind,
    ProfilerStatistics,
    RunDiff,
    RunProfile,
    ScopeSummary,
    SiteDiff,
    SiteTable,
    State,
    Suspect,
    TimeDiff,
    Verdict,
)
from profiling.run import Run
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.scope import Scope

__all__ = [
    "OUTSIDE_JOBS",
    "Change",
    "ChildFailed",
    "DiffInProgress",
    "DiffTotals",
    "Forecast",
    "History",
    "IntervalBroken",
    "Level",
    "LiveMemory",
    "LiveSite",
    "MemoryLimit",
    "MemoryUsage",
    "NotComparable",
    "NotEnoughRuns",
    "Outcome",
    "Outlook",
    "OverBudget",
    "OwnerKind",
    "Profiler",
    "ProfilerStatistics",
    "ProfilingError",
    "Run",
    "RunDiff",
    "RunProfile",
    "RunStore",
    "SamplerUnavailable",
    "Scope",
    "ScopeSummary",
    "SiteDiff",
    "SiteTable",
    "State",
    "Suspect",
    "TimeDiff",
    "UnknownJob",
    "UnknownRun",
    "Verdict",
]
