"""Records of the live memory of the process, and of each scope and job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from profiling.records.lines import SiteKey
from profiling.records.verdict import Verdict


class OwnerKind(StrEnum):
    """The kind of owner that memory is attributed to."""

    JOB = "job"
    SCOPE = "scope"
    OUTSIDE = "outside"  # allocated by no job and no scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeSummary:
    """A scope, a job or what is outside both, with what it holds, what it allocates, and whether it grows."""

    name: str
    kind: OwnerKind
    calls: int  # since the start; for a job, its completed runs
    active: int  # calls that have not ended
    live_bytes: int
    error_bytes: float  # standard error of live_bytes
    live_blocks: int
    allocated_bytes_per_call: float | None  # freed since or not, over the last windows or runs; None if unknown
    bytes_per_call: float | None  # growth, 0 if the verdict is `stable`; None before there is a verdict
    bytes_per_hour: float | None  # growth, as above
    verdict: Verdict | None  # the last verdict, which may be some windows old; None before the first


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSite:
    """A line, function, file or scope, and the live memory that it has allocated."""

    scope: str | None  # None if sites are not scopes, or for memory from before sampling of scopes began
    path: str | None  # the file as the code object names it; None for a scope
    file: str | None  # the path, as short as the import path allows
    line: int | None
    function: str | None
    source: str | None  # the line's text, stripped
    size_bytes: int
    error_bytes: float  # standard error of size_bytes
    count: int  # blocks
    stack: tuple[SiteKey, ...]  # the frames of most of it, innermost first; empty if no frame is known
    allocated_bytes: int = 0  # since sampling began, freed since or not
    allocated_count: int = 0  # blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMemory:
    """Estimated live memory of Python's heap now; listed + omitted + unattributed = size."""

    group_by: str
    size_bytes: int  # without the profiler's own memory
    error_bytes: float  # standard error of size_bytes
    count: int
    unattributed_bytes: int  # allocated without a Python frame
    listed_bytes: int
    omitted_bytes: int
    rss_bytes: int  # of the process, for comparison, because memory of C libraries is not sampled
    bytes_per_sample: float
    sites: tuple[LiveSite, ...]  # largest first
    allocated_bytes: int = 0  # since sampling began, freed or not, at remembered lines
    elsewhere_bytes: int = 0  # the same, at lines that are not remembered
