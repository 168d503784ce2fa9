"""A series of runs to a verdict: pure functions over records.

Totals decide that something grows; one run, or one line, never does. Growth has to persist: over the window, and after
the last change of level or slope in it, so that a cache that fills up, a step, a sawtooth and noise are stable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from profiling.records import Counters, LinesOfRun, Outcome, RunProfile, State, Verdict
from profiling.robust import best_break, mann_kendall_z, theil_sen
from profiling.units import format_bytes, format_change

MIN_RUNS = 12  # before that, a cache that fills over its first 8 runs looks like a leak
WINDOW_RUNS = 50
SIGNIFICANT_Z = 2.6  # of Mann and Kendall's test: 0.5 % of pure noise is beyond
BREAK_GAIN = 18.0  # F statistic from which on a cut in two explains the series, and not chance
STRAIGHT_SHARE = 0.05  # of the range: a line that explains all but this is straight
GIVEN_BACK = 0.5  # of a rise: a series that falls by so much at once is a sawtooth
SURE_OF_SAMPLES = 3.0  # standard errors that estimates have to rise by: samples stay, and so does their error
LEAST_SHARE = 0.0002  # of the level a run: what grows slower takes months to matter
LEAST_HEAP_BYTES = 2_048  # a run; likewise
LEAST_PROCESS_BYTES = 32_768  # a run: the RSS moves by pages and arenas
LEAST_PROCESS_RISE_BYTES = 2 << 20  # over all runs: two arenas


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the runs of a job say, oldest first, one value a run."""

    heap: tuple[float, ...]  # bytes that tracemalloc sees; where it is off, blocks of pymalloc
    own_heap: tuple[float, ...]  # the same, but only what changed within this job's runs, summed up
    is_traced: bool
    process: tuple[float, ...]  # bytes: RSS without what the allocators hold free
    own_process: tuple[float, ...]  # the same, but only what changed within this job's runs, summed up
    c_heap: tuple[float, ...] | None = None  # bytes that malloc has handed out; None where it does not tell
    heap_error_bytes: float = 0.0  # standard error of the heap's whole rise; 0 where its figures are exact

    def __len__(self) -> int:
        return len(self.process)


def series_of(runs: Sequence[RunProfile]) -> Series:
    """The completed runs of the last stretch of tracing or sampling, or all completed runs where the last has neither.

    Exact lines are preferred where there are enough of them. A run that failed keeps what its error holds until that is
    reported, so it says nothing of the job.
    """
    completed = [run for run in runs if run.outcome is Outcome.COMPLETED]
    figured = _of_one_stretch([(run, run.lines) for run in completed])
    if len(figured) < MIN_RUNS:
        figured = _of_one_stretch([(run, run.samples) for run in completed]) or figured
    if figured:
        completed = [run for run, _ in figured]
    window = completed[-WINDOW_RUNS:]
    lines = [figures for _, figures in figured[-WINDOW_RUNS:]]
    heap = [float(figures.traced_bytes) for figures in lines] or [float(run.after.blocks) for run in window]
    heap_changes = [figures.traced_diff_bytes for figures in lines] or [
        run.after.blocks - run.before.blocks for run in window
    ]
    process = [float(_held(run.after)) for run in window]
    process_changes = [_held(run.after) - _held(run.before) for run in window]
    return Series(
        heap=tuple(heap),
        own_heap=_summed_from(heap[:1], heap_changes),
        is_traced=bool(lines),
        c_heap=_c_heap(window),
        heap_error_bytes=_error_of_rise(lines),
        process=tuple(process),
        own_process=_summed_from(process[:1], process_changes),
    )


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


def _c_heap(runs: Sequence[RunProfile]) -> tuple[float, ...] | None:
    used = [run.after.c_heap_used_bytes for run in runs]
    return tuple(float(size_bytes) for size_bytes in used if size_bytes is not None) if None not in used else None


def _held(counters: Counters) -> int:
    """What the process holds, without what its allocators could give back."""
    return counters.rss_bytes - (counters.c_heap_free_bytes or 0) - (counters.arenas_free_bytes or 0)


def _summed_from(first: Sequence[float], changes: Sequence[int]) -> tuple[float, ...]:
    """The level after each run, had nothing changed between runs, from the level after the first."""
    return tuple(accumulate(changes[1:], initial=first[0])) if first else ()


def verdict(series: Series) -> Verdict:
    """Leaking where Python's heap grows, native growth where only the process does, stable where nothing does."""
    if len(series) < MIN_RUNS:
        missing = MIN_RUNS - len(series)
        reason = f"{len(series)} completed runs so far, a verdict takes {MIN_RUNS}: {missing} more"
        return Verdict(
            state=State.INSUFFICIENT_RUNS, reason=reason, runs=len(series), bytes_per_run=None, interval_bytes=None
        )
    heap = _growing_by_its_own_runs(series.heap, series.own_heap, LEAST_HEAP_BYTES if series.is_traced else 1.0)
    if heap is not None and heap[-1] - heap[0] < SURE_OF_SAMPLES * series.heap_error_bytes:
        heap = None
    process = _growing_by_its_own_runs(series.process, series.own_process, LEAST_PROCESS_BYTES)
    if process is not None:
        process = _beyond_arenas(process, series.c_heap)
    if heap is not None and series.is_traced:
        return _leaking(heap, "traced memory")
    if heap is not None and process is not None:
        return _leaking(process, "the process, and with it the number of Python's small objects,")
    if process is not None:
        return _native(process, is_traced=series.is_traced)
    return _stable(series)


def _growing_by_its_own_runs(total: Sequence[float], own: Sequence[float], least: float) -> Sequence[float] | None:
    """The growing part of what the job's runs add, if the total grows too; None otherwise.

    Where only the total grows another job is to blame. Where only the runs add, it is freed in between: garbage that
    waits for the collector, a table that the next run replaces.
    """
    part = growing_part(own, least)
    return part if part is not None and growing_part(total, least) is not None else None


def _beyond_arenas(process: Sequence[float], c_heap: Sequence[float] | None) -> Sequence[float] | None:
    """What grows for another reason than that more pages of Python's own arenas are touched, one after the other.

    malloc's count has no arenas in it, and is exact: where it grows too, it tells how much.
    """
    part = growing_part(c_heap, LEAST_PROCESS_BYTES) if c_heap is not None else None
    if part is not None:
        return part
    return process if process[-1] - process[0] >= LEAST_PROCESS_RISE_BYTES else None


def growing_part(values: Sequence[float], least: float) -> Sequence[float] | None:
    """The part of the series, up to its end, over which it grows by `least` a run or more; None where there is none."""
    part = values
    begin = _last_change(values)
    if begin > 0:
        part = values[begin:]
        if len(part) < MIN_RUNS * 2 // 3 or _is_given_back(values, part) or _last_change(part) > 0:
            return None
    slope, _, _ = theil_sen(part)
    level = abs(sum(part)) / len(part)
    if slope < max(least, LEAST_SHARE * level) or mann_kendall_z(part) < SIGNIFICANT_Z:
        return None
    return part


def _last_change(values: Sequence[float]) -> int:
    """Where the level or the slope of the series changes; 0 where it is one straight line, or nearly so.

    Without noise the smallest bend of a line is significant, and means nothing.
    """
    cut = best_break(values)
    return cut.at if cut is not None and cut.gain > BREAK_GAIN and cut.bend > STRAIGHT_SHARE else 0


def _is_given_back(values: Sequence[float], part: Sequence[float]) -> bool:
    """Whether the series falls at once by much of what it rises at its end."""
    fall = max(before - after for before, after in pairwise(values))
    return fall > GIVEN_BACK * (max(part) - min(part))


def _leaking(part: Sequence[float], what: str) -> Verdict:
    slope, low, high = theil_sen(part)
    reason = (
        f"{what} grows by {format_bytes(round(slope))} a run, without giving it back, over the last {len(part)} runs"
    )
    return Verdict(state=State.LEAKING, reason=reason, runs=len(part), bytes_per_run=slope, interval_bytes=(low, high))


def _native(part: Sequence[float], *, is_traced: bool) -> Verdict:
    slope, low, high = theil_sen(part)
    if is_traced:
        whose = "and Python's heap does not: a C library keeps it"
    else:
        whose = (
            "and the number of Python's small objects does not: a C library, or large objects; level lines tells which"
        )
    reason = f"the process grows by {format_bytes(round(slope))} a run over the last {len(part)} runs, {whose}"
    return Verdict(
        state=State.NATIVE_GROWTH, reason=reason, runs=len(part), bytes_per_run=slope, interval_bytes=(low, high)
    )


def _stable(series: Series) -> Verdict:
    slope, low, high = theil_sen(series.heap if series.is_traced else series.process)
    what = "traced memory" if series.is_traced else "the process"
    reason = f"nothing grows persistently over {len(series)} runs; {what} moves by {format_change(round(slope))} a run"
    return Verdict(state=State.STABLE, reason=reason, runs=len(series), bytes_per_run=slope, interval_bytes=(low, high))
