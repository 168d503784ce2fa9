"""Runs of jobs, and comparisons of two runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from profiling.records.lines import Cost, LineProfile
from profiling.records.memory import Counters, MemoryLimit, MemoryUsage


class Level(StrEnum):
    """How closely a run is watched; docs/levels.md tells what each level costs.

    A profiler may have level `ADAPTIVE`; then each of its runs has one of the other levels, in its `level`.
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
    """How the profiled block ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProfile:
    """The profile of one run of a job."""

    id: int  # number of the run, from 1, over all jobs of the process
    job: str
    level: Level
    outcome: Outcome
    started_at: datetime  # with time zone, UTC
    duration_s: float  # of the block alone, without the profiler
    before: Counters
    after: Counters
    limit: MemoryLimit
    peak_rss_bytes: int | None  # highest RSS during the run; None if the kernel does not report it
    lines: LineProfile | None  # exact lines; None if the level has none, or for the reason in `degraded`
    samples: LineProfile | None = None  # estimated lines; None if the level has none, or for the reason in `degraded`
    birth: int | None = None  # number that the samples of this run carry and no other's do; None without samples
    overlapped_with: tuple[str, ...]  # jobs that ran at the same time, sorted
    at_once: int = 1  # highest number of runs of this job that were active at once, this one included
    closed: bool = False  # whether the interpreter's free lists were emptied at both ends
    collected: bool = False  # whether its own garbage was collected at its end, so that no garbage counts
    collected_after: bool = False  # whether all garbage was collected at its end
    # In a window: the growth of the C heap and of directly mapped memory that is explained by runs within it.
    native_in_runs_bytes: float = 0.0
    mapped_in_runs_bytes: float = 0.0
    calls: int = 1  # in a window: the calls of its scope that began in it
    allocated_bytes: float | None = None  # estimate of what was allocated in the run, freed or not; None if unknown
    degraded: str | None  # why less was measured than the level promises; None if nothing is missing
    cost: Cost

    @property
    def rss_diff_bytes(self) -> int:
        """Return the RSS after the run minus the RSS before it."""
        return self.after.rss_bytes - self.before.rss_bytes

    @property
    def percent(self) -> float:
        """Return the RSS after the run, in per cent of the limit."""
        return 100.0 * self.after.rss_bytes / self.limit.limit_bytes

    @property
    def retained_bytes(self) -> int | None:
        """Return the bytes that the run left behind, whether or not their lines are known; None without lines."""
        return self.best_lines.traced_diff_bytes if self.best_lines else None

    @property
    def exclusive_lines(self) -> LineProfile | None:
        """Return the exact lines, or None if another job overlapped the run, so that samples take their place."""
        return None if self.overlapped_with and self.samples else self.lines

    @property
    def best_lines(self) -> LineProfile | None:
        """Return the exact lines if they are this job's alone, else the estimates, or None if there are neither."""
        return self.exclusive_lines or self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDiff:
    """One line, file or function in a comparison."""

    file: str  # path from the top package or the import path
    path: str  # path as the code object has it
    line: int | None  # None if lines were summed up by file or function
    function: str | None
    source: str | None  # text of the line, stripped
    size_bytes: int  # bytes alive now
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
    """The change in what is alive between two moments."""

    group_by: str
    totals: DiffTotals
    sites: tuple[SiteDiff, ...]  # largest change first
    bytes_per_sample: float | None  # on average, if the figures are estimates; None if they are exact


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """A comparison of a run with an earlier run: what is alive after it minus what was alive after the earlier run."""

    run: RunProfile
    against: RunProfile
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeDiff:
    """The change in the process over some seconds, whichever jobs ran."""

    seconds: float
    collected: bool  # whether garbage was collected at both ends
    jobs: tuple[str, ...]  # jobs that ran in this time, sorted
    usage: MemoryUsage  # at the end of the time
    change: Change
    cost: Cost


@dataclass(frozen=True, slots=True)
class SamplerStatistics:
    """Statistics of the sampler since its start."""

    bytes_per_sample: float  # for new samples; older samples keep their own
    alive: int
    taken: int
    lost: int  # samples that were lost because there was no memory for them
    thinned: int  # how often the bytes per sample were doubled
    stacks: int  # number of different stacks that are kept
    table_bytes: int
    sample_s: float  # measured CPU time of one sample; 0 before the first sample
    malloc_bytes: float  # estimate: memory alive in Python's blocks and NumPy's arrays that malloc served
    arenas_bytes: int  # exact: change of pymalloc's arenas since the hooks were installed
    let_go: int  # possible samples that were not taken, because their job is sampled more coarsely


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilerStatistics:
    """What the profiler is doing, and the sizes of what it keeps."""

    level: Level
    tracing: bool
    active_jobs: tuple[str, ...]
    runs: int  # finished since the start
    history_runs: int
    history_bytes: int
    tracemalloc_bytes: int  # size of the tables of tracemalloc
    sampler: SamplerStatistics | None = None  # None while sampling is off
    series_of: str | None = None  # at level adaptive, the job that is traced exactly for some runs
    lost_share: float | None = None  # at level adaptive, the share of the time that was lost to tracing
