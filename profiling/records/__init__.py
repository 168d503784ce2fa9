"""The data of the profiler: frozen records that compute no more than a sum or a ratio of their own fields.

This package imports nothing of the profiler, and exports every record in its files. Sizes are in bytes and times in
seconds throughout. `None` means "not known", never zero.
"""

from __future__ import annotations

from profiling.records.lines import UNKNOWN_SITE, Cost, LineProfile, Precision, SiteKey, SiteTable, Snapshot
from profiling.records.memory import Composition, Counters, MemoryLimit, MemoryUsage, TrimResult
from profiling.records.objects import GcStats, LargeObject, ObjectReport, TypeCount
from profiling.records.runs import (
    Change,
    DiffTotals,
    Level,
    Outcome,
    ProfilerStatistics,
    RunDiff,
    RunProfile,
    SamplerStatistics,
    SiteDiff,
    TimeDiff,
)
from profiling.records.scopes import LiveMemory, LiveSite, OwnerKind, ScopeSummary
from profiling.records.stacks import LiveStack, LiveStacks
from profiling.records.verdict import Accusation, Bound, CheckResult, Forecast, Outlook, State, Suspect, Verdict

__all__ = [
    "UNKNOWN_SITE",
    "Accusation",
    "Bound",
    "Change",
    "CheckResult",
    "Composition",
    "Cost",
    "Counters",
    "DiffTotals",
    "Forecast",
    "GcStats",
    "LargeObject",
    "Level",
    "LineProfile",
    "LiveMemory",
    "LiveSite",
    "LiveStack",
    "LiveStacks",
    "MemoryLimit",
    "MemoryUsage",
    "ObjectReport",
    "Outcome",
    "Outlook",
    "OwnerKind",
    "Precision",
    "ProfilerStatistics",
    "RunDiff",
    "RunProfile",
    "SamplerStatistics",
    "ScopeSummary",
    "SiteDiff",
    "SiteKey",
    "SiteTable",
    "Snapshot",
    "State",
    "Suspect",
    "TimeDiff",
    "TrimResult",
    "TypeCount",
    "Verdict",
]
