"""What a large RSS is made of, and what would help, in sentences: a pure function."""

from __future__ import annotations

from profiling.records import Composition
from profiling.units import format_bytes

NOTABLE_BYTES = 8 << 20
NOTABLE_SHARE = 0.1  # of the RSS

C_HEAP_FREE = (
    "{} are free and held by the C allocator: no leak, but not the kernel's either; heap_trim "
    "(POST /debug/memory/trim) gives back what it can, and MALLOC_ARENA_MAX=2 keeps it smaller"
)
ARENAS_FREE = (
    "{} are free in Python's arenas: small objects that are gone; Python uses them again, and gives back an arena only "
    "when all of it is free"
)
TRACED = "{} are alive and traced: /debug/memory/diff says by which lines they grow"
FILE_BACKED = "{} are mapped files, mostly libraries: the kernel drops them when memory is short; import less"
SWAPPED = "{} are swapped out, beside the RSS: the limit has been felt"
PROFILER = "{} are the profiler's own: a lower level of PROFILING needs less"
ELSEWHERE = (
    "{} are neither malloc's nor Python's arenas: thread stacks, or memory that a library maps by itself (Arrow's "
    "pool, a database's cache); ask that library"
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
