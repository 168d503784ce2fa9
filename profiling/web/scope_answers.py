"""The answers about scopes and about what is alive now, key by key."""

from __future__ import annotations

from profiling.records import OwnerKind
from profiling.web.answers import VERDICT
from profiling.web.shapes import Shape, an, many, number, one_of, text, texts, whole

SCOPE = Shape(
    "Scope",
    "A scope, a job, or what is outside both: what it holds and whether it grows.",
    {
        "scope": text("its name"),
        "kind": one_of("what it is", *OwnerKind),
        "calls": whole("calls since the start; of a job, its completed runs"),
        "active": whole("calls under way"),
        "live_bytes": whole("alive now of what it allocated, estimated"),
        "error_bytes": whole("standard error of live_bytes"),
        "live_blocks": whole("blocks alive, estimated"),
        "allocated_bytes_per_call": whole("allocated per call, freed since or not; null if not known", null=True),
        "bytes_per_call": whole("growth per call; 0 if it is stable, null before there is a verdict", null=True),
        "bytes_per_hour": whole("growth per hour, likewise", null=True),
        "verdict": an("the last one, which may be some windows old; null before the first", VERDICT, null=True),
    },
)
SCOPES = Shape(
    "Scopes",
    "All scopes and jobs, the one that grows most first, then the one that holds most.",
    {"scopes": many("each with its verdict", SCOPE), "omitted": whole("how many more there are")},
)
LIVE_SITE = Shape(
    "LiveSite",
    "A line, a function, a file or a scope, and what is alive of it.",
    {
        "scope": text("the scope; null if rows are not of scopes", null=True),
        "file": text("the file, as short as the import path allows; null of a scope", null=True),
        "line": whole("number of the line; null if lines are summed up", null=True),
        "function": text("the function; null if rows are of files or scopes", null=True),
        "source": text("the line's text; null if it cannot be read", null=True),
        "size_bytes": whole("alive now, estimated"),
        "error_bytes": whole("standard error of size_bytes"),
        "count": whole("blocks alive now"),
        "allocated_bytes": whole("allocated since sampling began, freed since or not"),
        "allocated_count": whole("blocks, likewise"),
        "path": text("the file as its code names it; null of a scope", null=True),
        "stack": texts("by which most of it was allocated, innermost first, as file:line"),
    },
)
LIVE_TOTALS = Shape(
    "LiveTotals",
    "What all rows add up to: attributed + unattributed = size, listed + omitted = attributed.",
    {
        "size_bytes": whole("alive now of Python's heap, without the profiler's own"),
        "error_bytes": whole("standard error of size_bytes"),
        "count": whole("blocks alive now"),
        "attributed_bytes": whole("the part that rows explain"),
        "unattributed_bytes": whole("the part that was allocated where no Python code was at work"),
        "listed_bytes": whole("the part of the rows in `sites`"),
        "omitted_bytes": whole("the part of rows that are not in `sites`"),
    },
)
ALLOCATED = Shape(
    "Allocated",
    "What was allocated since sampling began, freed since or not.",
    {
        "attributed_bytes": whole("by lines that are known"),
        "unattributed_bytes": whole("by lines that are not remembered, of the whole process"),
    },
)
_LIVE = {
    "sampled_every_bytes": number("one sample every so many bytes, in the mean, now"),
    "rss_mb": number("resident memory of the process"),
    "totals": an("the sums", LIVE_TOTALS),
    "allocated": an("what was allocated so far", ALLOCATED),
    "sites": many("largest first", LIVE_SITE),
}
LIVE = Shape("Live", "What is alive now.", {"group_by": text("what a row is of"), **_LIVE})
SCOPE_WITH_SITES = Shape(
    "ScopeWithSites",
    "A scope with the lines that hold most of its memory.",
    {**SCOPE.keys, "group_by": text("what a row is of"), **_LIVE},
)
