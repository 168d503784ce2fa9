"""The data of the profiler: frozen records, and nothing that computes more than a sum or a ratio of its own fields.

Sizes are bytes and times seconds throughout; `None` means "not known here", never zero.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SiteKey = tuple[str, int]
"""A source line: the file as the code object names it, and the line number from 1."""

UNKNOWN_SITE: SiteKey = ("<unknown>", 0)
"""Where tracemalloc puts what was allocated with no Python frame at work."""


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
        """Frames that tracemalloc keeps with each allocation; 0 where it is off."""
        return {Level.LINES: 1, Level.STACKS: 25}.get(self, 0)

    @property
    def samples(self) -> bool:
        """Whether the sampler is on."""
        return self in {Level.SAMPLES, Level.ADAPTIVE}


class Outcome(StrEnum):
    """How the profiled block was left."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class State(StrEnum):
    """What a series of runs says about its job."""

    LEAKING = "leaking"
    NATIVE_GROWTH = "native_growth"
    STABLE = "stable"
    INSUFFICIENT_RUNS = "insufficient_runs"

    @property
    def grows(self) -> bool:
        """Whether the job keeps more with every run, in Python's heap or beside it."""
        return self in {State.LEAKING, State.NATIVE_GROWTH}


class Outlook(StrEnum):
    """Whether a time can be told at which the memory is full."""

    FULL = "full"
    NOT_GROWING = "not_growing"
    NOT_ENOUGH_RUNS = "not_enough_runs"


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
        """RSS in per cent of the limit."""
        return 100.0 * self.rss_bytes / self.limit.limit_bytes

    @property
    def available_bytes(self) -> int:
        """What is left to the limit; zero when the process is over it."""
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


@dataclass(frozen=True, slots=True)
class SiteTable:
    """Bytes and blocks by source line, packed: 24 bytes a row beside the keys, which all tables share."""

    keys: tuple[SiteKey, ...]
    sizes: array[int]  # bytes, signed 64 bit
    counts: array[int]  # blocks, signed 64 bit
    errors: array[float] | None = None  # standard errors of the sizes, bytes; None where they are exact

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[SiteKey, int, int]]) -> SiteTable:
        """Pack (key, bytes, blocks) rows, in their order."""
        keys, sizes, counts = [], array("q"), array("q")
        for key, size_bytes, count in rows:
            keys.append(key)
            sizes.append(size_bytes)
            counts.append(count)
        return cls(tuple(keys), sizes, counts)

    def rows(self) -> Iterator[tuple[SiteKey, int, int]]:
        """Each line with its bytes and blocks."""
        return zip(self.keys, self.sizes, self.counts, strict=True)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size_bytes(self) -> int:
        """Sum over all lines."""
        return sum(self.sizes)

    @property
    def count(self) -> int:
        """Blocks over all lines."""
        return sum(self.counts)

    @property
    def own_bytes(self) -> int:
        """What the table itself costs, without its keys."""
        return (24 if self.errors is None else 32) * len(self.keys) + 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the profiler itself took for one measurement."""

    duration_s: float  # wall time, waiting for a child included
    stall_s: float  # longest time that the loop was held in one piece
    memory_bytes: int  # most memory that was in use for it at once, in this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What tracemalloc saw alive at one moment, by line. The profiler's own memory is a figure beside the table."""

    table: SiteTable
    traced_bytes: int  # the sizes of all traces
    profiler_bytes: int  # the part of it that the profiler allocated, not in the table
    traces: int
    period: int  # which stretch of tracing this was; tables of two stretches do not compare
    cost: Cost

    @property
    def program_bytes(self) -> int:
        """The traced memory without the profiler's."""
        return self.traced_bytes - self.profiler_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What is cheap to know at one moment: level `counters`."""

    rss_bytes: int
    blocks: int  # sys.getallocatedblocks: blocks of pymalloc that are in use
    c_heap_free_bytes: int | None
    c_heap_used_bytes: int | None
    own_bytes: int = 0  # what the profiler itself keeps in the process, without tracemalloc's tables
    full_collections: int | None = None  # so far; None where they prove nothing, since none is to be had
    arenas_free_bytes: int | None = None  # free in pymalloc's arenas; takes a fork, so seldom asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How far estimates can be trusted. Standard errors: the truth is within two of them 19 times of 20."""

    rate_bytes: float  # one sample every so many bytes, in the mean
    live_error_bytes: float  # of what is alive, over all lines
    retained_error_bytes: float  # of what the run kept, over all lines
    peak: SiteTable | None  # alive when the run's own memory was highest, to within 5 %; None where it was not watched


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesOfRun:
    """What a run kept by line: exact from tracemalloc for the whole process, or estimated for the job alone."""

    live: SiteTable  # alive after the run: from whatever source where exact, of the job where estimated
    retained: SiteTable  # after less before, lines that changed only; negative where memory went
    traced_bytes: int  # after the run, without the profiler's own
    traced_diff_bytes: int  # after less before, without the profiler's own
    traced_peak_bytes: int | None  # highest in the run, whoever allocated; None where it is not known
    profiler_bytes: int  # the profiler's own share of the traced memory, after the run
    traces: int  # or samples
    period: int  # which stretch of tracing, or of sampling, this was
    precision: Precision | None = None  # None where the figures are exact


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
    peak_rss_bytes: int | None  # highest RSS in the run; None where the kernel does not tell
    lines: LinesOfRun | None  # exact; None where the level has none, and where `degraded` says why
    samples: LinesOfRun | None = None  # estimated; likewise
    overlapped_with: tuple[str, ...]  # jobs that ran at the same time, sorted
    collected: bool = False  # whether garbage was collected at both ends, so that none counts
    degraded: str | None  # why less was measured than the level promises
    cost: Cost

    @property
    def rss_diff_bytes(self) -> int:
        """RSS after less before."""
        return self.after.rss_bytes - self.before.rss_bytes

    @property
    def percent(self) -> float:
        """RSS after the run in per cent of the limit."""
        return 100.0 * self.after.rss_bytes / self.limit.limit_bytes

    @property
    def retained_bytes(self) -> int | None:
        """Bytes that the run left behind, by known lines or not; None where no lines are known."""
        return self.figures.traced_diff_bytes if self.figures else None

    @property
    def own_lines(self) -> LinesOfRun | None:
        """The exact lines, unless another job ran meanwhile: then they have what that one kept in them, too."""
        return None if self.overlapped_with and self.samples else self.lines

    @property
    def figures(self) -> LinesOfRun | None:
        """The exact lines where there are any of this job alone, else the estimates."""
        return self.own_lines or self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDiff:
    """One line, file or function in a comparison."""

    file: str  # as short as the import path allows
    path: str  # as the code object names it
    line: int | None  # None where lines were summed up
    function: str | None
    source: str | None  # the line's text, stripped
    size_bytes: int  # alive now
    size_diff_bytes: int
    count: int
    count_diff: int
    error_bytes: float | None = None  # standard error of size_diff_bytes; None where it is exact


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
    rate_bytes: float | None  # one sample every so many bytes, where these are estimates; None where they are exact


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
    jobs: tuple[str, ...]  # whose runs were under way at either end, sorted
    usage: MemoryUsage  # at the end
    change: Change
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """What the C allocator gave back."""

    supported: bool  # False: this C library has no such call, and nothing was done
    rss_before_bytes: int
    rss_after_bytes: int
    c_heap_free_before_bytes: int | None
    c_heap_free_after_bytes: int | None
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A line that keeps more with every run."""

    site: SiteKey
    bytes_per_run: float
    stack: tuple[SiteKey, ...]  # innermost first; the site alone where no more frames are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the memory is full, if the job goes on as in its last runs and nothing else changes."""

    outlook: Outlook
    reason: str  # one sentence
    full_in_s: float | None  # from the end of the last run; None unless the outlook is `full`
    interval_s: tuple[float, float | None] | None  # earliest and latest; None as latest: no bound
    full_at: datetime | None  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a job's runs say together."""

    state: State
    reason: str  # one sentence
    runs: int  # how many runs it rests on
    bytes_per_run: float | None  # robust slope of what the state is about; None where there are too few runs
    interval_bytes: tuple[float, float] | None  # of bytes_per_run
    suspects: tuple[Suspect, ...] = ()  # largest first; empty where nothing leaks, or where nobody looked
    forecast: Forecast | None = None  # None where it is not known how often the job runs, or what the limit is
    needs_collection: bool = False  # what grows may be garbage, which only full collections around runs tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was seen of one job."""

    job: str
    runs: int
    level: Level
    verdict: Verdict
    usage: MemoryUsage  # at the end
    traced_bytes: int | None  # of the process where exact, of the job where estimated
    held_free_bytes: int | None  # freed by the program, held by the C allocator
    cost: Cost
    slowdown: float | None  # of a profiled run against a plain one; None where both are too short to tell
    relative_error: float | None = None  # standard error of traced_bytes, as a share of it; None where it is exact

    @property
    def grows(self) -> bool:
        """Whether the verdict is one to act on."""
        return self.verdict.state.grows


@dataclass(frozen=True, slots=True)
class SamplerStatistics:
    """What the sampler has done since its start."""

    rate_bytes: float  # now: it doubles when there are too many samples
    alive: int
    taken: int
    lost: int  # for want of memory to keep them
    thinned: int  # times that the rate was doubled
    stacks: int  # different ones that are kept
    table_bytes: int


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
    series_of: str | None = None  # the job that is traced exactly for some runs, where the level is adaptive
    lost_share: float | None = None  # of the time, to tracing, where the level is adaptive
