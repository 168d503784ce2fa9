"""Runs of jobs, and one held against another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from profiling.records.lines import Cost, LineProfile
from profiling.records.memory import Counters, MemoryLimit, MemoryUsage


class Level(StrEnum):
    """How closely a run is watched; see the table in docs/levels.md for what each one costs.

    A profiler may be `ADAPTIVE`; each of its runs is at one of the others, and says at which.
    """

    COUNTERS = "counters"
    SAMPLES = "samples"
    LINES = "lines"
    STACKS = "stacks"
    ADAPTIVE = "adaptive"

    @property
    def frames(self) -> int:
        """Return the number of frames that tracemalloc keeps with each allocation; 0 if it is off."""
        return {Level.LINES: 1, Level.STACKS: 25}.get(self, 0)

    @property
    def samples(self) -> bool:
        """Return whether the sampler is on."""
        return self in {Level.SAMPLES, Level.ADAPTIVE}


class Outcome(StrEnum):
    """How the profiled block was left."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProfile:
    """One run of one job."""

    id: int  # from 1, over all jobs of this process
    job: str
    level: Level
    outcome: Outcome
    started_at: datetime  # aware, UTC
    duration_s: float  # the block alone, without the profiler
    before: Counters
    after: Counters
    limit: MemoryLimit
    peak_rss_bytes: int | None  # highest RSS in the run; None if the kernel does not tell
    lines: LineProfile | None  # exact; None if the level has none, or as `degraded` says
    samples: LineProfile | None = None  # estimated; likewise
    birth: int | None = None  # that its samples bear, the only run that does; None if it had no samples
    overlapped_with: tuple[str, ...]  # jobs that ran at the same time, sorted
    at_once: int = 1  # runs of this job that were at work together at most, itself among them
    closed: bool = False  # whether the interpreter's free lists were emptied at both ends
    collected: bool = False  # whether its own garbage was collected at its end, so that none counts
    collected_after: bool = False  # whether all garbage was collected at its end
    # Of a window: what runs within it account for, of the C heap's growth and of memory mapped directly.
    native_in_runs_bytes: float = 0.0
    mapped_in_runs_bytes: float = 0.0
    calls: int = 1  # of a window: of its scope that began within it
    allocated_bytes: float | None = None  # estimate of what was allocated within it, freed or not; None if not known
    degraded: str | None  # why less was measured than the level promises
    cost: Cost

    @property
    def rss_diff_bytes(self) -> int:
        """Return the RSS after less before."""
        return self.after.rss_bytes - self.before.rss_bytes

    @property
    def percent(self) -> float:
        """Return the RSS after the run in per cent of the limit."""
        return 100.0 * self.after.rss_bytes / self.limit.limit_bytes

    @property
    def retained_bytes(self) -> int | None:
        """Return the bytes that the run left behind, by known lines or not; None if no lines are known."""
        return self.best_lines.traced_diff_bytes if self.best_lines else None

    @property
    def exclusive_lines(self) -> LineProfile | None:
        """Return the exact lines, or None if samples stand in for them because another job ran meanwhile."""
        return None if self.overlapped_with and self.samples else self.lines

    @property
    def best_lines(self) -> LineProfile | None:
        """Return the exact lines if they are of this job alone, else the estimates, or None if there are neither."""
        return self.exclusive_lines or self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDiff:
    """One line, file or function in a comparison."""

    file: str  # as short as the import path allows
    path: str  # as the code object names it
    line: int | None  # None if lines were summed up
    function: str | None
    source: str | None  # the line's text, stripped
    size_bytes: int  # alive now
    size_diff_bytes: int
    count: int
    count_diff: int
    error_bytes: float | None = None  # standard error of size_diff_bytes; None if it is exact


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffTotals:
    """The sums of a comparison: attributed + unattributed = size_diff, listed + omitted = attributed."""

    size_diff_bytes: int
    count_diff: int
    attributed_bytes: int
    unattributed_bytes: int
    listed_bytes: int
    omitted_bytes: int
    rss_diff_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is alive at one moment and was not at an earlier one."""

    group_by: str
    totals: DiffTotals
    sites: tuple[SiteDiff, ...]  # largest change first
    bytes_per_sample: float | None  # on average, if these are estimates; None if they are exact


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """One run against an earlier one: what is alive after the one and was not after the other."""

    run: RunProfile
    against: RunProfile
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeDiff:
    """What changed in the process over some seconds, whatever ran."""

    seconds: float
    collected: bool  # whether garbage was collected at both ends
    jobs: tuple[str, ...]  # of which a run was under way meanwhile, sorted
    usage: MemoryUsage  # at the end
    change: Change
    cost: Cost


@dataclass(frozen=True, slots=True)
class SamplerStatistics:
    """What the sampler has done since its start."""

    bytes_per_sample: float  # in force; the samples of earlier rates keep theirs
    alive: int
    taken: int
    lost: int  # for want of memory to keep them
    thinned: int  # times that the rate was doubled
    stacks: int  # different ones that are kept
    table_bytes: int
    sample_s: float  # that one sample takes of CPU time, as measured; 0 before the first
    malloc_bytes: float  # estimate: alive in Python's blocks and NumPy's arrays that the C library's malloc served
    arenas_bytes: int  # exact: change of pymalloc's arenas since the hooks are in place
    let_go: int  # looked at and not taken, as their job is sampled more coarsely


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilerStatistics:
    """What the profiler is doing and keeps."""

    level: Level
    tracing: bool
    active_jobs: tuple[str, ...]
    runs: int  # finished since start
    history_runs: int
    history_bytes: int
    tracemalloc_bytes: int  # its tables
    sampler: SamplerStatistics | None = None  # None while it is off
    series_of: str | None = None  # the job that is traced exactly for some runs, if the level is adaptive
    lost_share: float | None = None  # of the time, to tracing, if the level is adaptive
