"""The answers about scopes and about live memory, key by key."""

from __future__ import annotations

from profiling.records import OwnerKind
from profiling.web.answers import VERDICT
from profiling.web.shapes import Shape, an, many, number, one_of, text, texts, whole

SCOPE = Shape(
    "Scope",
    "A scope, a job, or what is outside both, with what it holds and whether it grows.",
    {
        "scope": text("its name"),
        "kind": one_of("what it is", *OwnerKind),
        "calls": whole("calls since the start; for a job, its completed runs"),
        "active": whole("calls that have not ended"),
        "live_bytes": whole("estimated bytes that it has allocated and that are alive now"),
        "error_bytes": whole("standard error of live_bytes"),
        "live_blocks": whole("estimated number of these blocks"),
        "allocated_bytes_per_call": whole(
            "bytes that a call allocates, freed since or not; null if unknown", null=True
        ),
        "bytes_per_call": whole("growth per call; 0 if the scope is stable, null before there is a verdict", null=True),
        "bytes_per_hour": whole("growth per hour, as above", null=True),
        "verdict": an("the last verdict, which may be some windows old; null before the first", VERDICT, null=True),
    },
)
SCOPES = Shape(
    "Scopes",
    "All scopes and jobs, ordered by growth per hour, then by live bytes.",
    {"scopes": many("each with its verdict", SCOPE), "omitted": whole("number of scopes that are not listed")},
)
LIVE_SITE = Shape(
    "LiveSite",
    "A line, a function, a file or a scope, with the live memory that it has allocated.",
    {
        "scope": text("the scope; null if rows do not stand for scopes", null=True),
        "file": text("the file, as short as the import path allows; null for a scope", null=True),
        "line": whole("line number; null if rows do not stand for lines", null=True),
        "function": text("the function; null if rows stand for files or scopes", null=True),
        "source": text("text of the line; null if it cannot be read", null=True),
        "size_bytes": whole("estimated bytes that are alive now"),
        "error_bytes": whole("standard error of size_bytes"),
        "count": whole("blocks alive now"),
        "allocated_bytes": whole("bytes that were allocated since sampling began, freed or not"),
        "allocated_count": whole("number of blocks that were allocated since sampling began"),
        "path": text("path of the file as its code names it; null for a scope", null=True),
        "stack": texts("frames through which most of it was allocated, innermost first, as file:line"),
    },
)
LIVE_TOTALS = Shape(
    "LiveTotals",
    "The sums of all rows; attributed + unattributed = size, and listed + omitted = attributed.",
    {
        "size_bytes": whole("live memory of Python's heap, without the profiler's own"),
        "error_bytes": whole("standard error of size_bytes"),
        "count": whole("blocks alive now"),
        "attributed_bytes": whole("the part that the rows have"),
        "unattributed_bytes": whole("the part that was allocated while no Python code was running"),
        "listed_bytes": whole("the part of the rows in `sites`"),
        "omitted_bytes": whole("the part of rows that are not in `sites`"),
    },
)
ALLOCATED = Shape(
    "Allocated",
    "Memory that was allocated since sampling began, freed or not.",
    {
        "attributed_bytes": whole("the part of remembered lines"),
        "unattributed_bytes": whole("the part of lines that are not remembered, of the whole process"),
    },
)
_LIVE = {
    "sampled_every_bytes": number("mean number of bytes per sample now"),
    "rss_mb": number("resident memory of the process"),
    "totals": an("the sums", LIVE_TOTALS),
    "allocated": an("what was allocated so far", ALLOCATED),
    "sites": many("largest first", LIVE_SITE),
}
LIVE = Shape("Live", "The memory that is alive now.", {"group_by": text("what a row is of"), **_LIVE})
SCOPE_WITH_SITES = Shape(
    "ScopeWithSites",
    "A scope with the lines that hold most of its memory.",
    {**SCOPE.keys, "group_by": text("what a row is of"), **_LIVE},
)
