"""The live and the allocated memory by call stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from profiling.records.scopes import OwnerKind

Frame = tuple[str, str, int]
"""The file as the code object names it, the qualified function, and the line."""


class StackRow(NamedTuple):
    """The memory that one job or scope has allocated through one stack; a change may be below zero."""

    owner: str | None  # job or scope; None for memory from before sampling of scopes began
    stack: Sequence[int]  # numbers of frames, innermost first; empty if no Python code was running
    live_bytes: float
    live_blocks: float
    allocated_bytes: float  # freed since or not
    allocated_blocks: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StackProfile:
    """Estimates by stack: of what is alive, or of what has changed in some seconds."""

    frames: Sequence[Frame]
    rows: Sequence[StackRow]
    kinds: Mapping[str, OwnerKind]  # of the owners
    bytes_per_sample: float
    at_s: float  # when it was made, since the epoch
    seconds: float | None = None  # the time of the change; None if it is no change
