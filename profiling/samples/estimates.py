"""Tables by line from samples, each figure with its variance: pure functions.

A sum over samples is unbiased, and so is its variance (Horvitz and Thompson, 1952), because each block is sampled
independently of all others. A run kept the samples of its birth that are still alive. Between two moments, samples that
are alive at both cancel out, so the variance of a change is that of the samples that appeared and of those that
disappeared.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from profiling.records import UNKNOWN_SITE, LineProfile, Precision, SiteKey, SiteTable
from profiling.samples.births import SampledBirths
from profiling.source import PASSAGE_FILES, PROFILER_FILES, is_user_code
from profiling.verdict.evidence import LineEvidence
from profiling.verdict.survivors import Alive

LOOP_FUNCTIONS = {"BaseEventLoop._run_once", "BaseEventLoop.run_until_complete", "Runner.run"}
FIGURES = 8  # doubles per row: bytes, their variance, blocks, their variance; of all samples, then of the fresh ones


@dataclass(frozen=True, slots=True)
class SampleTable:
    """What is alive by job and stack, one row for each pair that has samples."""

    bytes_per_sample: float  # for new samples when the table was made
    # highest bytes per sample at which a block may have been missed: of all samples, and of the fresh ones
    coarsest_bytes: float
    fresh_coarsest_bytes: float
    thinned: int  # how often samples have been thinned so far
    # job, numbers of its frames (32 bits each, innermost first), samples
    heads: Sequence[tuple[str | None, bytes, int]]
    frames: Sequence[tuple[str, str, int]]  # file, function, line; shared by all rows
    figures: bytes  # FIGURES doubles per row

    def rows(self) -> Iterator[SampleRow]:
        """Yield each row with the numbers of its frames and its figures."""
        figures = memoryview(self.figures).cast("d")
        for number, (job, stack, samples) in enumerate(self.heads):
            begin = number * FIGURES
            yield SampleRow(job, memoryview(stack).cast("I"), samples, figures[begin : begin + FIGURES])


@dataclass(frozen=True, slots=True)
class SampleRow:
    """The samples of one job and stack."""

    job: str | None
    stack: Sequence[int]  # numbers of frames, innermost first
    samples: int
    figures: Sequence[float]


@dataclass(slots=True)
class Estimate:
    """The sum of one line's samples."""

    size_bytes: float = 0.0
    variance: float = 0.0  # of size_bytes
    blocks: float = 0.0
    fresh_bytes: float = 0.0  # of the birth that was asked for, or since the mark
    fresh_variance: float = 0.0  # of fresh_bytes
    fresh_blocks: float = 0.0
    samples: int = 0

    def add(self, row: SampleRow) -> None:
        """Add a row to the sum."""
        self.size_bytes += row.figures[0]
        self.variance += row.figures[1]
        self.blocks += row.figures[2]
        self.fresh_bytes += row.figures[4]
        self.fresh_variance += row.figures[5]
        self.fresh_blocks += row.figures[6]
        self.samples += row.samples


EstimatesByLine = dict[SiteKey, Estimate]


@dataclass(frozen=True, slots=True)
class LiveEstimate:
    """A job's samples at one moment, by line."""

    bytes_per_sample: float  # for new samples
    coarsest_bytes: float
    fresh_coarsest_bytes: float
    thinned: int
    sums: EstimatesByLine


NOTHING = Estimate()


def users_frame(frames: Sequence[tuple[str, str, int]]) -> Callable[[Sequence[int]], int | None]:
    """Return a function that attributes a stack to its innermost user frame, or if there is none to the innermost.

    Frames outside of the event loop do not count, because whoever started the loop has not called what the loop calls.
    For the profiler's own allocations, direct or through a library, the function returns None.
    """
    is_loop = [function in LOOP_FUNCTIONS for _, function, _ in frames]
    is_profiler = [file.startswith(PROFILER_FILES) for file, _, _ in frames]
    is_own = [is_profiler[number] and not file.startswith(PASSAGE_FILES) for number, (file, _, _) in enumerate(frames)]
    users = [is_user_code(file) and not own for (file, _, _), own in zip(frames, is_profiler, strict=True)]

    def frame(stack: Sequence[int]) -> int | None:
        if is_profiler[stack[0]]:
            return None
        for number in stack:
            if users[number]:
                return number
            if is_own[number]:
                return None
            if is_loop[number]:
                break
        return stack[0]

    return frame


def estimate_live(table: SampleTable) -> LiveEstimate:
    """Return the live bytes and blocks by the user's line."""
    return _estimate(table, _by_line(table, owner_of=lambda _: None).get(None, {}))


def estimate_live_by_job(table: SampleTable) -> Callable[[str], LiveEstimate]:
    """Return a function that returns the live bytes and blocks of a job by the user's line."""
    sums = _by_line(table, owner_of=lambda row: row.job)
    return lambda job: _estimate(table, sums.get(job, {}))


def _by_line(table: SampleTable, owner_of: Callable[[SampleRow], str | None]) -> Mapping[str | None, EstimatesByLine]:
    frame_of, sums = users_frame(table.frames), defaultdict[str | None, EstimatesByLine](dict)
    for row in table.rows():
        site = UNKNOWN_SITE
        if len(row.stack):
            number = frame_of(row.stack)
            if number is None:
                continue
            file, _, line = table.frames[number]
            site = file, line
        sums[owner_of(row)].setdefault(site, Estimate()).add(row)
    return sums


def _estimate(table: SampleTable, sums: EstimatesByLine) -> LiveEstimate:
    return LiveEstimate(table.bytes_per_sample, table.coarsest_bytes, table.fresh_coarsest_bytes, table.thinned, sums)


def by_job(table: SampleTable) -> dict[str | None, Estimate]:
    """Return the total of each job, without the profiler's own memory; the key None is for memory outside jobs."""
    frame_of, sums = users_frame(table.frames), dict[str | None, Estimate]()
    for row in table.rows():
        if len(row.stack) == 0 or frame_of(row.stack) is not None:
            sums.setdefault(row.job, Estimate()).add(row)
    return sums


Row = tuple[SiteKey, float, float, float]
"""A line with its bytes, their variance, and its blocks."""


def line_profile(after: LiveEstimate, peak: LiveEstimate | None, session: int) -> LineProfile:
    """Return what a run kept: the fresh figures after it, which have its own birth, even if runs overlap."""
    rows = [(site, now.fresh_bytes, now.fresh_variance, now.fresh_blocks) for site, now in after.sums.items()]
    return _lines(after, rows, peak, session, after.fresh_coarsest_bytes)


def lines_between(before: LiveEstimate, after: LiveEstimate, session: int) -> LineProfile:
    """Return what appeared minus what disappeared between two moments; fresh figures are of what appeared."""
    rows = []
    for site in {**before.sums, **after.sums}:
        was, now = before.sums.get(site, NOTHING), after.sums.get(site, NOTHING)
        variance = _change_variance(was, now, before, after)
        rows.append((site, now.size_bytes - was.size_bytes, variance, now.blocks - was.blocks))
    return _lines(after, rows, None, session, max(before.coarsest_bytes, after.coarsest_bytes))


def _lines(
    after: LiveEstimate, rows: Sequence[Row], peak: LiveEstimate | None, session: int, unseen_bytes: float
) -> LineProfile:
    retained = _packed((row for row in rows if row[1] or row[3]), unseen_bytes)
    table = table_of(after)
    return LineProfile(
        live=table,
        retained=retained,
        traced_bytes=table.size_bytes,
        traced_diff_bytes=retained.size_bytes,
        traced_peak_bytes=table_of(peak).size_bytes if peak else None,
        profiler_bytes=0,
        traces=sum(entry.samples for entry in after.sums.values()),
        session=session,
        precision=Precision(
            bytes_per_sample=after.bytes_per_sample,
            live_error_bytes=_error(sum(entry.variance for entry in after.sums.values()), after.coarsest_bytes),
            retained_error_bytes=_error(sum(row[2] for row in rows), unseen_bytes),
            peak=table_of(peak) if peak else None,
        ),
    )


def table_of(state: LiveEstimate) -> SiteTable:
    """Return the estimates as a table, with their standard errors."""
    rows = ((site, entry.size_bytes, entry.variance, entry.blocks) for site, entry in state.sums.items())
    return _packed(rows, state.coarsest_bytes)


def _change_variance(was: Estimate, now: Estimate, before: LiveEstimate, after: LiveEstimate) -> float:
    """Return the variance of what appeared plus the variance of what disappeared.

    If samples were thinned in between, the rest was drawn anew, so the variances of both ends count.
    """
    if before.thinned != after.thinned:
        return was.variance + now.variance
    went = was.variance + now.fresh_variance - now.variance
    return now.fresh_variance + max(0.0, went)


def _packed(rows: Iterable[Row], unseen_bytes: float) -> SiteTable:
    """Return the rows as a table."""
    keys, sizes, counts, errors = [], array("q"), array("q"), array("d")
    for key, size_bytes, variance, blocks in rows:
        keys.append(key)
        sizes.append(round(size_bytes))
        counts.append(round(blocks))
        errors.append(_error(variance, unseen_bytes))
    return SiteTable(tuple(keys), sizes, counts, errors)


def _error(variance: float, unseen_bytes: float) -> float:
    """Return the standard error of a sum of samples.

    The variance includes one sample that was not taken. Without it, a line whose blocks are all far larger than the
    bytes per sample would have an error of almost 0, although smaller blocks on it may have been missed.
    """
    return math.sqrt(variance + unseen_bytes**2)


def largest_stacks(table: SampleTable, sites: Iterable[SiteKey]) -> dict[SiteKey, tuple[SiteKey, ...]]:
    """Return for each of these sites the frames, innermost first, through which most of its bytes were allocated."""
    wanted, frame_of = set(sites), users_frame(table.frames)
    best: dict[SiteKey, tuple[float, Sequence[int]]] = {}
    for row in table.rows():
        number = frame_of(row.stack) if len(row.stack) else None
        if number is None:
            continue
        file, _, line = table.frames[number]
        site = (file, line)
        if site in wanted and row.figures[0] > best.get(site, (0.0, ()))[0]:
            best[site] = (row.figures[0], row.stack)
    return {
        site: tuple((table.frames[number][0], table.frames[number][2]) for number in stack)
        for site, (_, stack) in best.items()
    }


def lines_by_birth(table: SampledBirths) -> dict[SiteKey, LineEvidence]:
    """Return what is alive at each of the user's lines, by the birth of the run that allocated it."""
    site_of = _sites(table)
    births: dict[SiteKey, dict[int, Alive]] = {}
    large: dict[SiteKey, tuple[float, float]] = {}
    for row in table.rows():
        site = site_of[row.head]
        if site is None:
            continue
        alive = Alive(row.samples, row.size_bytes, row.size_bytes**2 / row.samples, row.variance)
        line = births.setdefault(site, {})
        line[row.birth] = line[row.birth] + alive if row.birth in line else alive
        if row.large_bytes:
            so_far = large.get(site, (0.0, 0.0))
            large[site] = so_far[0] + row.large_bytes, so_far[1] + row.blocks * row.large_bytes / row.size_bytes
    return {site: LineEvidence(line, *large.get(site, (0.0, 0.0))) for site, line in births.items()}


@dataclass(frozen=True, slots=True)
class HeldLine:
    """The memory of one job's line that a store holds."""

    size_bytes: float
    births: int  # the number of runs that it comes from


def lines_of_jobs(table: SampledBirths) -> dict[tuple[str | None, SiteKey], HeldLine]:
    """Return what is alive by job and user's line."""
    site_of = _sites(table)
    sizes: dict[tuple[str | None, SiteKey], float] = {}
    births: dict[tuple[str | None, SiteKey], set[int]] = {}
    for row in table.rows():
        if (site := site_of[row.head]) is not None:
            key = table.heads[row.head][0], site
            sizes[key] = sizes.get(key, 0.0) + row.size_bytes
            births.setdefault(key, set()).add(row.birth)
    return {key: HeldLine(size_bytes, len(births[key])) for key, size_bytes in sizes.items()}


def _sites(table: SampledBirths) -> list[SiteKey | None]:
    """Return the user's line of each head, or None for the profiler's own allocations."""
    frame_of = users_frame(table.frames)
    sites: list[SiteKey | None] = []
    for head in range(len(table.heads)):
        stack = table.stack(head)
        number = frame_of(stack) if len(stack) else None
        known = None if number is None else (table.frames[number][0], table.frames[number][2])
        sites.append(known if len(stack) else UNKNOWN_SITE)
    return sites
