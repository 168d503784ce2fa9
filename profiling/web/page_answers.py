"""The answers for the page, key by key."""

from __future__ import annotations

from profiling.web.shapes import Key, Shape, an, many, number, numbers, one_of, text, texts, whole

_LISTS = Key(
    description="of each stack the numbers of its frames, outermost first",
    kind={"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
)
STACK_TOTALS = Shape(
    "StackTotals",
    "The sums: attributed + unattributed = size, and listed + omitted = attributed.",
    {
        "size_bytes": whole("live memory of Python's heap, without the profiler's own"),
        "attributed_bytes": whole("the part that stacks have"),
        "unattributed_bytes": whole("the part that was allocated while no Python code was running"),
        "listed_bytes": whole("the part of the listed stacks"),
        "omitted_bytes": whole("the part of smaller stacks, which are not listed"),
    },
)
STACK_FILE = Shape(
    "StackFile",
    "A file of the frames.",
    {
        "file": text("the file, as short as the import path allows"),
        "path": text("path of the file as its code names it"),
        "kind": one_of("whose code it is", "user", "library", "interpreter"),
        "package": text("its top package"),
    },
)
STACK_FRAMES = Shape(
    "StackFrames",
    "The frames, in columns.",
    {
        "file": numbers("number of the file in `files`", "integer"),
        "function": texts("qualified name of the function"),
        "line": numbers("number of the line", "integer"),
    },
)
STACK_ROWS = Shape(
    "StackRows",
    "The stacks, in columns, largest first.",
    {
        "scope": numbers("number of the scope or job in `scopes`", "integer"),
        "frames": _LISTS,
        "size_bytes": numbers("estimated bytes that are alive now", "integer"),
        "count": numbers("estimated blocks that are alive now", "integer"),
    },
)
STACKS = Shape(
    "Stacks",
    "The memory that is alive now, by scope and stack.",
    {
        "sampled_every_bytes": number("mean number of bytes per sample now"),
        "rss_mb": number("resident memory of the process"),
        "totals": an("the sums", STACK_TOTALS),
        "files": many("the files of the frames", STACK_FILE),
        "frames": an("the frames of the stacks", STACK_FRAMES),
        "scopes": texts("names of scopes and jobs"),
        "stacks": an("the stacks", STACK_ROWS),
    },
)
SOURCE = Shape(
    "Source",
    "The source around a line of a file that is in a live stack or in a run.",
    {
        "path": text("path of the file as its code names it"),
        "file": text("the file, as short as the import path allows"),
        "line": whole("number of the line"),
        "first": whole("number of the first line in `lines`"),
        "lines": texts("the lines, each at most 200 characters long"),
    },
)
