"""The runs of a job to a series of figures, one value a run: pure functions over records."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from profiling.records import Counters, LinesOfRun, Outcome, RunProfile
from profiling.verdict.forecast import Room, held_free_bytes, room_after

MIN_RUNS = 12  # before that, a cache that fills over its first 8 runs looks like a leak
WINDOW_RUNS = 50
LATELY_RUNS = 4  # collections may have to wait for some
TRACE_MALLOC_BYTES = 100  # what malloc hands out for a live trace, measured on 3.11 to 3.13; tracemalloc tells half


class Collected(NamedTuple):
    """When there were full collections."""

    before: bool  # since the run before
    within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """One figure, after each run."""

    after: tuple[float, ...]
    own: tuple[float, ...]  # the same, but only what changed within this job's runs, summed up
    freed: tuple[float | None, ...] | None = None
    """Between the run before and this one, by full collections; 0 for what came within the run, whose change it is in.
    None for a run that had no full collection; None at all where none is to be had."""

    @classmethod
    def of(cls, after: Sequence[float], changes: Sequence[float], collected: Sequence[Collected] | None) -> Levels:
        """From the levels, what each run added, and when there were full collections."""
        own = accumulate(changes[1:], initial=after[0]) if after else ()
        freed: list[float | None] = []
        for at, when in enumerate(collected or ()):
            between = max(0.0, after[at - 1] - (after[at] - changes[at])) if at and when.before else 0.0
            freed.append(between if when.before or when.within else None)
        return cls(after=tuple(after), own=tuple(own), freed=None if collected is None else tuple(freed))

    @property
    def total(self) -> tuple[float, ...]:
        """As if no full collection between runs had freed anything: of Python's heap that may all have been others'."""
        if self.freed is None:
            return self.after
        freed = accumulate(freed or 0.0 for freed in self.freed)
        return tuple(level + so_far for level, so_far in zip(self.after, freed, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the runs of a job say, oldest first, one value a run."""

    heap: Levels  # bytes that tracemalloc sees; where it is off, blocks of pymalloc
    is_traced: bool
    process: Levels  # bytes: RSS without what the allocators hold free and what the profiler keeps
    c_heap: Levels | None = None  # bytes that malloc has handed out, not to us; None where it does not tell
    heap_error_bytes: float = 0.0  # standard error of the heap's whole rise; 0 where its figures are exact
    heap_sample_bytes: float = 0.0  # what a sample stands for, at least; 0 where the heap's figures are exact
    room: Room | None = None  # None where there is nothing to forecast from
    is_collected: bool = False  # whether garbage was collected around each of the runs
    is_collecting: bool = False  # or lately was, and some more such runs make a series

    def __len__(self) -> int:
        return len(self.process.after)


def series_of(runs: Sequence[RunProfile]) -> Series:
    """The completed runs of the last stretch of tracing or sampling, or all completed runs where the last has neither.

    Exact lines are preferred where there are enough of them, of this job alone, and so are runs between two full
    collections, lately. A run that failed keeps what its error holds until that is reported, so it says nothing of the
    job.
    """
    completed = [run for run in runs if run.outcome is Outcome.COMPLETED]
    figured = _of_one_stretch([(run, run.own_lines) for run in completed])
    if len(figured) < MIN_RUNS:
        figured = _of_one_stretch([(run, run.samples) for run in completed]) or figured
    if figured:
        completed = [run for run, _ in figured]
    window = completed[-WINDOW_RUNS:]
    lines = [figures for _, figures in figured[-WINDOW_RUNS:]]
    room = room_after(window)
    is_collecting, is_collected = _collecting(window)
    if is_collected:
        lines = [figures for run, figures in zip(window, lines, strict=False) if run.collected]
        window = [run for run in window if run.collected]
    when = None if is_collected else _collected(window)
    return Series(
        heap=_heap(window, lines, when),
        is_traced=bool(lines),
        process=_levels(window, _held, when) or Levels(after=(), own=()),
        c_heap=_levels(window, lambda counters: counters.c_heap_used_bytes, when),
        heap_error_bytes=_error_of_rise(lines),
        heap_sample_bytes=lines[-1].precision.rate_bytes if lines and lines[-1].precision else 0.0,
        room=room,
        is_collected=is_collected,
        is_collecting=is_collecting,
    )


def _collecting(runs: Sequence[RunProfile]) -> tuple[bool, bool]:
    """Whether garbage was lately collected around runs, of too few so far; and whether of enough."""
    collected = [number for number, run in enumerate(runs, start=-len(runs)) if run.collected]
    if len(collected) >= MIN_RUNS:
        return False, collected[-1] >= -MIN_RUNS
    return len(collected) > 1 and collected[-2] >= -2 * LATELY_RUNS, False  # one alone has shown that nothing grows


def _collected(runs: Sequence[RunProfile]) -> list[Collected] | None:
    """None where no collection is to be had, or was during one of the runs."""
    collected: list[Collected] = []
    count = None
    for run in runs:
        begin, end = run.before.full_collections, run.after.full_collections
        if begin is None or end is None:
            return None
        collected.append(Collected(before=count is not None and count < begin, within=begin < end))
        count = end
    return collected


def _heap(runs: Sequence[RunProfile], lines: Sequence[LinesOfRun], collected: Sequence[Collected] | None) -> Levels:
    if lines:
        return Levels.of(
            [float(figures.traced_bytes) for figures in lines],
            [figures.traced_diff_bytes for figures in lines],
            collected,
        )
    blocks = [(run.before.blocks, run.after.blocks) for run in runs]
    return Levels.of([float(after) for _, after in blocks], [after - before for before, after in blocks], collected)


def _held(counters: Counters) -> int:
    """What the process holds, without what its allocators could give back."""
    return counters.rss_bytes - held_free_bytes(counters)


def _levels(
    runs: Sequence[RunProfile], read: Callable[[Counters], int | None], collected: Sequence[Collected] | None
) -> Levels | None:
    """The program's, without the profiler's history and tables, which fill up too; None where one is not known."""
    levels, changes = [], []
    for run in runs:
        before, after = read(run.before), read(run.after)
        if before is None or after is None:
            return None
        traces_bytes, more_traces_bytes = _of_tracing(run)
        levels.append(float(after - run.after.own_bytes - traces_bytes))
        changes.append(after - run.after.own_bytes - (before - run.before.own_bytes) - more_traces_bytes)
    return Levels.of(levels, changes, collected)


def _of_one_stretch(runs: Sequence[tuple[RunProfile, LinesOfRun | None]]) -> list[tuple[RunProfile, LinesOfRun]]:
    """The runs of the stretch that the last run belongs to; none where the last one has no lines."""
    last = runs[-1][1] if runs else None
    if last is None:
        return []
    return [(run, lines) for run, lines in runs if lines is not None and lines.period == last.period]


def _error_of_rise(lines: Sequence[LinesOfRun]) -> float:
    """A bound for the standard error of what the last run has more than the first."""
    ends = [lines[0].precision, lines[-1].precision] if lines else []
    return math.hypot(*(end.live_error_bytes for end in ends if end is not None))


def _of_tracing(run: RunProfile) -> tuple[int, int]:
    """What tracemalloc's tables hold after the run, and how much of that came with the run."""
    if run.lines is None:
        return 0, 0
    return TRACE_MALLOC_BYTES * run.lines.traces, TRACE_MALLOC_BYTES * run.lines.retained.count
