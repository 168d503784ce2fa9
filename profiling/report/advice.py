"""Explains in sentences what a large RSS consists of and what would help: a pure function."""

from __future__ import annotations

from profiling.records import Composition
from profiling.units import format_bytes

NOTABLE_BYTES = 8 << 20
NOTABLE_SHARE = 0.1  # a smaller share of the RSS gets no sentence

C_HEAP_FREE = (
    "{} are free but still held by the C allocator. This is not a leak, but the kernel has not got the memory back. "
    "heap_trim (POST /debug/memory/trim) returns what it can; MALLOC_ARENA_MAX=2 keeps the amount small"
)
ARENAS_FREE = (
    "{} are free in Python's arenas, after small objects that are gone. Python uses this memory again, and returns an "
    "arena to the kernel only when all of it is free"
)
TRACED = "{} are alive and traced; /debug/memory/diff shows which lines grow"
FILE_BACKED = (
    "{} are mapped files, mostly libraries. The kernel drops them when memory is short; importing less makes them fewer"
)
SWAPPED = "{} are swapped out and not part of the RSS: the process has been short of memory"
PROFILER = "{} are used by the profiler itself; a cheaper level of PROFILING needs less"
ELSEWHERE = (
    "{} belong neither to malloc nor to Python's arenas. They are thread stacks, or memory that a library maps by "
    "itself (Arrow's pool, a database's cache); look at the figures of that library"
)


def explain(composition: Composition) -> list[str]:
    """Return a sentence for each notable part, largest first, with what would help."""
    parts = (
        (composition.c_heap_free_bytes, C_HEAP_FREE),
        (composition.arenas_free_bytes, ARENAS_FREE),
        (composition.traced_bytes, TRACED),
        (composition.file_backed_bytes, FILE_BACKED),
        (composition.swapped_bytes, SWAPPED),
        (composition.profiler_bytes, PROFILER),
        (_elsewhere_bytes(composition), ELSEWHERE),
    )
    least_bytes = min(NOTABLE_BYTES, NOTABLE_SHARE * composition.rss_bytes)
    notable = [(size_bytes, text) for size_bytes, text in parts if size_bytes is not None and size_bytes >= least_bytes]
    notable.sort(key=lambda part: -part[0])
    sentences = [text.format(format_bytes(size_bytes)) for size_bytes, text in notable if size_bytes > 0]
    return sentences or [f"nothing stands out in {format_bytes(composition.rss_bytes)}"]


def _elsewhere_bytes(composition: Composition) -> int | None:
    """Return the anonymous memory that no allocator accounts for.

    Return None if a figure for that is not known, or if there is no such memory.
    """
    known = (composition.c_heap_used_bytes, composition.c_heap_free_bytes, composition.arenas_bytes)
    if composition.anonymous_bytes is None or None in known:
        return None
    rest = composition.anonymous_bytes - sum(size_bytes for size_bytes in known if size_bytes is not None)
    return rest if rest > 0 else None
