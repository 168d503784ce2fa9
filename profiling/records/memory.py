"""The memory that the process uses, and what it consists of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimit:
    """The most memory that the process may use, and what sets this limit."""

    limit_bytes: int
    source: str  # "setting", "cgroup v2", "cgroup v1" or "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUsage:
    """The memory of the process at one moment, with its limit."""

    rss_bytes: int
    vms_bytes: int
    limit: MemoryLimit

    @property
    def percent(self) -> float:
        """Return the RSS in per cent of the limit."""
        return 100.0 * self.rss_bytes / self.limit.limit_bytes

    @property
    def available_bytes(self) -> int:
        """Return the bytes left below the limit, or zero if the process is over it."""
        return max(0, self.limit.limit_bytes - self.rss_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What the resident memory consists of. The groups overlap, because each is one reader's view of the same pages."""

    rss_bytes: int
    anonymous_bytes: int | None  # heap and stacks, which count against a container's limit
    file_backed_bytes: int | None  # libraries and mapped files, which the kernel can drop
    swapped_bytes: int | None
    c_heap_used_bytes: int | None  # handed out by malloc, including large mapped blocks
    c_heap_free_bytes: int | None  # freed by the program but kept by malloc; `heap_trim` gives some of it back
    arenas_bytes: int | None  # arenas of pymalloc, for objects of up to 512 bytes
    arenas_used_bytes: int | None
    arenas_free_bytes: int | None
    traced_bytes: int | None  # alive according to tracemalloc
    profiler_bytes: int  # tracemalloc's tables and the history of runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What is cheap to read at one moment, for level `counters`."""

    rss_bytes: int
    blocks: int  # blocks of pymalloc that are in use, by sys.getallocatedblocks
    c_heap_free_bytes: int | None
    c_heap_used_bytes: int | None
    overhead_bytes: int = 0  # memory of the profiler itself in the process, without tracemalloc's tables
    full_collections: int | None = None  # number so far; None if the collector is off, so that they prove nothing
    mapped_bytes: int | None = None  # mapped memory outside malloc and pymalloc: maps, stacks, libraries
    python_malloc_bytes: float | None = None  # estimated from samples: what Python and NumPy have got from malloc
    arenas_free_bytes: int | None = None  # free in pymalloc's arenas; seldom measured, because it takes a fork


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimResult:
    """The result of asking the C allocator to give memory back."""

    supported: bool  # False if the C library cannot give memory back, so that nothing was done
    rss_before_bytes: int
    rss_after_bytes: int
    c_heap_free_before_bytes: int | None
    c_heap_free_after_bytes: int | None
    duration_s: float
