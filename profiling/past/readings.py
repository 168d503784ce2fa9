"""What the process holds now, read at a cost that a service can bear every ten seconds."""

from __future__ import annotations

from profiling.process import allocator
from profiling.process.usage import PROC, parse_kb_lines, read_text
from profiling.records.timeline import Parts
from profiling.samples import sampler
from profiling.samples.estimates import by_job
from profiling.samples.sampling import OUTSIDE_JOBS


class PartsReader:
    """Reads what the RSS consists of.

    pymalloc reports its arenas only in a forked child. The sampler knows by how many bytes they have changed since its
    hooks were installed. What they had before is taken from the first reading: all anonymous memory that malloc has
    not, which includes the stacks of threads and written pages of libraries. Later growth outside both heaps, as of
    Arrow's memory pool, is in no part.
    """

    def __init__(self) -> None:
        self._arenas_before_bytes: int | None = None  # estimate of the arenas when the hooks were installed

    def read(self) -> Parts:
        """Return the parts; the first call takes some milliseconds, in which no lock is held."""
        heap = allocator.c_heap()
        if heap is None:
            return Parts()
        if not sampler.is_on():
            return Parts(c_heap_bytes=heap.used_bytes, free_bytes=heap.free_bytes)
        told = sampler.statistics()
        if self._arenas_before_bytes is None:
            self._arenas_before_bytes = _anonymous_outside(heap) - told.arenas_bytes
        large_bytes = round(told.malloc_bytes)
        return Parts(
            python_bytes=max(0, self._arenas_before_bytes + told.arenas_bytes) + large_bytes,
            c_heap_bytes=max(0, heap.used_bytes - large_bytes),
            free_bytes=heap.free_bytes,
        )


def _anonymous_outside(heap: allocator.CHeap) -> int:
    """Return the anonymous memory that malloc has not got, or 0 if the kernel does not tell."""
    anonymous_bytes = parse_kb_lines(read_text(PROC / "smaps_rollup") or "").get("Anonymous", 0)
    return max(0, anonymous_bytes - (heap.mapped_bytes or 0))


def held_by_owner() -> dict[str, int] | None:
    """Return the bytes that each job and scope holds, or None if no samples are taken."""
    if not sampler.is_on():
        return None
    held: dict[str, int] = {}
    for job, estimate in by_job(sampler.snapshot()).items():
        name = OUTSIDE_JOBS if job is None else job
        held[name] = held.get(name, 0) + round(estimate.size_bytes)
    return held
