"""What Python holds: objects by type, large ones, and the collector's counters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCount:
    """How many objects of a type the collector tracks."""

    type: str  # module and qualified name, builtins without a module
    count: int
    avg_size_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeObject:
    """An object over the size asked for."""

    type: str
    size_bytes: int
    repr: str  # shape, never content


@dataclass(frozen=True, slots=True, kw_only=True)
class GcStats:
    """The cyclic collector's counters."""

    collections: tuple[int, int, int]  # since the process started, by generation
    threshold: tuple[int, int, int]
    tracked_objects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReport:
    """One walk over what Python holds."""

    top_types: tuple[TypeCount, ...]  # by count, largest first
    large_objects: tuple[LargeObject, ...]  # by size, largest first
    gc_stats: GcStats
    not_searched: int  # objects that the walk left out to stay within its time and memory
    duration_s: float
    stall_s: float  # longest time that the loop was held in one piece
