"""The objects that Python holds: by type, large ones, and the collector's counters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCount:
    """The objects of one type that the collector tracks."""

    type: str  # module and qualified name; builtins have no module
    count: int
    avg_size_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeObject:
    """An object that is larger than the given size."""

    type: str
    size_bytes: int
    repr: str  # the shape of the object, never its content


@dataclass(frozen=True, slots=True, kw_only=True)
class GcStats:
    """The cyclic collector's counters."""

    collections: tuple[int, int, int]  # since the process started, by generation
    threshold: tuple[int, int, int]
    tracked_objects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReport:
    """The result of one walk over the objects that Python holds."""

    top_types: tuple[TypeCount, ...]  # by count, largest first
    large_objects: tuple[LargeObject, ...]  # by size, largest first
    gc_stats: GcStats
    not_searched: int  # objects that the walk left out to stay within its time and memory
    duration_s: float
    stall_s: float  # longest time that the event loop was blocked in one piece
