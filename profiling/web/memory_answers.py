"""The answers about the process, and those that every route may give, key by key."""

from __future__ import annotations

from profiling.records import Level
from profiling.web.shapes import Key, Shape, an, many, number, numbers, one_of, switch, text, texts, whole

HEALTH = Shape(
    "Health",
    "The memory with its limit.",
    {
        "status": one_of("warning from 75 % of the limit, critical above 85 %", "ok", "warning", "critical"),
        "environment": text("the argument of `mount`; null if it was not given", null=True),
        "memory_mb": number("resident memory"),
        "memory_percent": number("memory_mb in per cent of the limit"),
        "scheduler_enabled": switch("whether slots fire by themselves; false without a scheduler"),
    },
)
USAGE = Shape(
    "Usage",
    "What the process uses.",
    {
        "rss_mb": number("resident memory"),
        "vms_mb": number("address space"),
        "percent": number("rss_mb in per cent of the limit"),
        "available_mb": number("memory left below the limit"),
        "total_mb": number("the limit"),
        "total_from": one_of("what sets the limit", "setting", "cgroup v2", "cgroup v1", "machine"),
    },
)
TYPE = Shape(
    "Type",
    "Objects of one type.",
    {
        "type": text("module and name of the type"),
        "count": whole("how many the collector tracks"),
        "avg_size_bytes": number("their average size, without what they refer to"),
    },
)
LARGE_OBJECT = Shape(
    "LargeObject",
    "An object over 1 MB.",
    {
        "type": text("module and name of its type"),
        "size_mb": number("its size"),
        "repr": text("its shape, never its content"),
    },
)
COLLECTOR = Shape(
    "BudgetedCollector",
    "Python's cyclic collector.",
    {
        "collections": numbers("collections since the start, by generation", "integer"),
        "threshold": numbers("allocations after which a generation is collected", "integer"),
        "tracked_objects": whole("objects that it tracks"),
    },
)
COMPOSITION = Shape(
    "Composition",
    "What the resident memory consists of; null for unknown figures. The groups overlap.",
    {
        "rss_mb": number("resident memory"),
        "anonymous_mb": number("heap and stacks, which count against a container's limit", null=True),
        "file_backed_mb": number("libraries and mapped files, which the kernel can drop", null=True),
        "swapped_mb": number("swapped out", null=True),
        "c_heap_used_mb": number("handed out by malloc, including large mapped blocks", null=True),
        "c_heap_free_mb": number("freed by the program but kept by malloc; a trim gives some of it back", null=True),
        "arenas_mb": number("arenas of Python's small-object allocator", null=True),
        "arenas_used_mb": number("part of the arenas that is in use", null=True),
        "arenas_free_mb": number("part of the arenas that is free", null=True),
        "traced_mb": number("alive according to tracemalloc; null while it is off", null=True),
        "profiler_mb": number("tables and history of the profiler"),
        "in_words": texts("sentences on the notable parts, with what would help"),
    },
)
SAMPLER = Shape(
    "Sampler",
    "Statistics of the sampler since its start.",
    {
        "sampled_every_bytes": number("bytes per sample now, on average"),
        "alive": whole("samples that are alive"),
        "taken": whole("samples taken"),
        "lost": whole("samples that were lost because there was no memory for them"),
        "stacks": whole("different stacks that are kept"),
        "mb": number("size of its tables"),
    },
)
TRACING = Shape(
    "Tracing",
    "What the profiler is doing, and the sizes of what it keeps.",
    {
        "level": one_of("how closely runs are watched", *Level),
        "tracing": switch("whether tracemalloc is on"),
        "active_jobs": texts("jobs that are running"),
        "runs": whole("runs that have ended since the start"),
        "history_runs": whole("runs in the history"),
        "history_mb": number("size of the history"),
        "tracemalloc_mb": number("size of the tables of tracemalloc"),
        "sampler": an("statistics of the sampler; null while it is off", SAMPLER, null=True),
        "series_of": text("the job that is traced exactly for some runs, at level adaptive", null=True),
        "lost_share": number("share of the time lost to tracing, at level adaptive", null=True),
    },
)
WALK = Shape(
    "Walk",
    "The cost of the walk over the heap.",
    {
        "duration_s": number("how long it took"),
        "stall_ms": number("longest time that the event loop was blocked in one piece"),
        "not_searched": whole("objects that the walk left out to stay within its time and memory"),
    },
)
MEMORY = Shape(
    "Memory",
    "What the process holds.",
    {
        "current_usage": an("what the process uses", USAGE),
        "top_objects": many("types with the most objects, 20 at most", TYPE),
        "large_objects": many("objects over 1 MB, largest first", LARGE_OBJECT),
        "gc_stats": an("counters of the cyclic collector", COLLECTOR),
        "composition": an("what the resident memory consists of", COMPOSITION),
        "tracing": an("what the profiler is doing and keeps", TRACING),
        "walk": an("the cost of the walk over the heap", WALK),
    },
)
TRIMMED = Shape(
    "TrimResult",
    "The result of asking the C allocator to give memory back.",
    {
        "supported": switch("whether the C library can; if not, nothing was done"),
        "given_back_mb": number("by how much the resident memory fell"),
        "rss_before_mb": number("resident memory before"),
        "rss_after_mb": number("resident memory after"),
        "c_heap_free_before_mb": number("free but kept by the C allocator before", null=True),
        "c_heap_free_after_mb": number("free but kept by the C allocator after", null=True),
        "duration_ms": number("how long it took"),
    },
)

INDEX_ENTRY = Shape(
    "IndexEntry",
    "A debug route.",
    {
        "method": text("its HTTP method"),
        "path": text("its path, under the prefix of the request"),
        "summary": text("what it answers, in one line"),
    },
)
INDEX = Shape("Index", "All debug routes.", {"routes": many("each route once", INDEX_ENTRY)})

PROBLEM = Shape(
    "Problem",
    "An error (RFC 9457).",
    {
        "type": text("always about:blank"),
        "title": text("the phrase of the status"),
        "status": whole("the status code of the answer"),
        "detail": text("what happened and what to do"),
        "errors": Key(
            description="for status 422: what is wrong, by field",
            kind={"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            optional=True,
        ),
        "known": Key(
            description="for status 404 of a job: the known jobs",
            kind={"type": "array", "items": {"type": "string"}},
            optional=True,
        ),
        "allowed": Key(
            description="for status 405: the allowed methods",
            kind={"type": "array", "items": {"type": "string"}},
            optional=True,
        ),
    },
    is_open=True,
)
