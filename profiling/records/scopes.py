"""What is alive in the process now, and what each scope and job has of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from profiling.records.lines import SiteKey
from profiling.records.verdict import Verdict


class OwnerKind(StrEnum):
    """What memory is attributed to."""

    JOB = "job"
    SCOPE = "scope"
    OUTSIDE = "outside"  # all that no job and no scope allocated


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeSummary:
    """A scope, a job or what is outside both: what it holds, what it allocates, and whether it grows."""

    name: str
    kind: OwnerKind
    calls: int  # since the start; of a job: its runs that have completed
    active: int  # calls under way
    live_bytes: int
    error_bytes: float  # standard error of live_bytes
    live_blocks: int
    allocated_bytes_per_call: float | None  # freed since or not, over the last windows or runs; None if not known
    bytes_per_call: float | None  # growth, 0 if it is stable; None before there is a verdict
    bytes_per_hour: float | None  # likewise
    verdict: Verdict | None  # the last one, which may be some windows old; None before any


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSite:
    """A line, function, file or scope, and what is alive of it."""

    scope: str | None  # None if sites are not scopes, or for what was allocated before scopes were known
    path: str | None  # as the code object names it; None for a scope
    file: str | None  # as short as the import path allows
    line: int | None
    function: str | None
    source: str | None  # the line's text, stripped
    size_bytes: int
    error_bytes: float  # standard error of size_bytes
    count: int  # blocks
    stack: tuple[SiteKey, ...]  # by which most of it came, innermost first; empty if no frame is known


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMemory:
    """What is alive of Python's heap now, estimated: listed + omitted + unattributed = size."""

    group_by: str
    size_bytes: int  # without the profiler's own
    error_bytes: float  # standard error of size_bytes
    count: int
    unattributed_bytes: int  # allocated where no Python frame was at work
    listed_bytes: int
    omitted_bytes: int
    rss_bytes: int  # of the process, for comparison: other libraries' memory is in no sample
    bytes_per_sample: float
    sites: tuple[LiveSite, ...]  # largest first
