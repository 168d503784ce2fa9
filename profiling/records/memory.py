"""What the process uses, and what that is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """What the process may use, and who says so."""

    limit_bytes: int
    source: str  # "setting", "cgroup v2", "cgroup v1" or "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUsage:
    """What the process uses at one moment, against its limit."""

    rss_bytes: int
    vms_bytes: int
    limit: MemoryLimit

    @property
    def percent(self) -> float:
        """Return the RSS in per cent of the limit."""
        return 100.0 * self.rss_bytes / self.limit.limit_bytes

    @property
    def available_bytes(self) -> int:
        """Return what is left to the limit; zero if the process is over it."""
        return max(0, self.limit.limit_bytes - self.rss_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What the resident memory is made of. The groups overlap: each is one reader's view of the same pages."""

    rss_bytes: int
    anonymous_bytes: int | None  # heap, stacks: what counts against a container
    file_backed_bytes: int | None  # libraries and mapped files; the kernel can drop them
    swapped_bytes: int | None
    c_heap_used_bytes: int | None  # handed out by malloc, large mapped blocks included
    c_heap_free_bytes: int | None  # freed by the program, held by malloc: `heap_trim` gives back some
    arenas_bytes: int | None  # pymalloc's arenas, for objects up to 512 bytes
    arenas_used_bytes: int | None
    arenas_free_bytes: int | None
    traced_bytes: int | None  # what tracemalloc sees alive
    profiler_bytes: int  # tracemalloc's own tables and the history of runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What is cheap to know at one moment: level `counters`."""

    rss_bytes: int
    blocks: int  # sys.getallocatedblocks: blocks of pymalloc that are in use
    c_heap_free_bytes: int | None
    c_heap_used_bytes: int | None
    overhead_bytes: int = 0  # what the profiler itself keeps in the process, without tracemalloc's tables
    full_collections: int | None = None  # so far; None if they prove nothing, since none is to be had
    mapped_bytes: int | None = None  # address space that neither malloc nor pymalloc has: maps, stacks, libraries
    python_malloc_bytes: float | None = None  # of what malloc has handed out, Python's and NumPy's, as samples estimate
    arenas_free_bytes: int | None = None  # free in pymalloc's arenas; takes a fork, so seldom asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimResult:
    """What the C allocator gave back."""

    supported: bool  # False: this C library has no such call, and nothing was done
    rss_before_bytes: int
    rss_after_bytes: int
    c_heap_free_before_bytes: int | None
    c_heap_free_after_bytes: int | None
    duration_s: float
