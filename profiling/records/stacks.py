"""The live memory by stack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveStack:
    """The live memory of one job or scope that was allocated through one stack."""

    scope: str | None  # None for memory from before sampling of scopes began
    frames: tuple[int, ...]  # numbers of frames, outermost first
    size_bytes: int
    count: int  # blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStacks:
    """Estimated live memory of Python's heap now, by stack; the stacks + omitted + unattributed = size."""

    frames: tuple[tuple[str, str, int], ...]  # file, function, line
    stacks: tuple[LiveStack, ...]  # largest first
    size_bytes: int  # without the profiler's own memory
    unattributed_bytes: int  # allocated without a Python frame
    omitted_bytes: int  # of smaller stacks, which are not listed
    rss_bytes: int
    bytes_per_sample: float
