"""A series of runs to a verdict: pure functions over records.

Totals decide that something grows; one run, or one line, never does. What grows has to be added by the job's own runs,
and to stay in the whole: else another job is to blame, or it is freed between runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean, median_low

from profiling.forecast import Room, forecast, held_free_bytes, room_after
from profiling.growth import GrowingPart, growing_part
from profiling.records import Counters, LinesOfRun, Outcome, RunProfile, State, Verdict
from profiling.robust import theil_sen
from profiling.units import format_bytes, format_change

MIN_RUNS = 12  # before that, a cache that fills over its first 8 runs looks like a leak
WINDOW_RUNS = 50
SURE_OF_SAMPLES = 3.0  # standard errors that estimates have to rise by: samples stay, and so does their error
LEAST_SHARE = 0.0001  # of the level a run: what grows slower takes months to matter
LEAST_HEAP_BYTES = 2_048  # a run; likewise
LEAST_HEAP_BLOCKS = 1
LEAST_PROCESS_BYTES = 32_768  # a run: the RSS moves by pages and arenas
LEAST_PROCESS_RISE_BYTES = 2 << 20  # over all runs: two arenas
TRACE_MALLOC_BYTES = 100  # what malloc hands out for a live trace, measured on 3.11 to 3.13; tracemalloc tells half
SEEN_IN_PROCESS = 0.5  # of what malloc hands out a run: the process has to grow by as much, else it fills a hole


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the runs of a job say, oldest first, one value a run."""

    heap: tuple[float, ...]  # bytes that tracemalloc sees; where it is off, blocks of pymalloc
    own_heap: tuple[float, ...]  # the same, but only what changed within this job's runs, summed up
    is_traced: bool
    process: tuple[float, ...]  # bytes: RSS without what the allocators hold free and what tracing takes
    own_process: tuple[float, ...]  # the same, but only what changed within this job's runs, summed up
    c_heap: tuple[float, ...] | None = None  # bytes that malloc has handed out, not to tracing; None where it is silent
    own_c_heap: tuple[float, ...] | None = None  # the same, but only what changed within this job's runs, summed up
    heap_error_bytes: float = 0.0  # standard error of the heap's whole rise; 0 where its figures are exact
    room: Room | None = None  # None where there is nothing to forecast from

    def __len__(self) -> int:
        return len(self.process)


def series_of(runs: Sequence[RunProfile]) -> Series:
    """The completed runs of the last stretch of tracing or sampling, or all completed runs where the last has neither.

    Exact lines are preferred where there are enough of them, of this job alone. A run that failed keeps what its error
    holds until that is reported, so it says nothing of the job.
    """
    completed = [run for run in runs if run.outcome is Outcome.COMPLETED]
    figured = _of_one_stretch([(run, run.own_lines) for run in completed])
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
    process, own_process = _levels(window, _held) or ((), ())
    c_heap, own_c_heap = _levels(window, lambda counters: counters.c_heap_used_bytes) or (None, None)
    return Series(
        heap=tuple(heap),
        own_heap=_summed_from(heap[:1], heap_changes),
        is_traced=bool(lines),
        process=process,
        own_process=own_process,
        c_heap=c_heap,
        own_c_heap=own_c_heap,
        heap_error_bytes=_error_of_rise(lines),
        room=room_after(window),
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


def _held(counters: Counters) -> int:
    """What the process holds, without what its allocators could give back."""
    return counters.rss_bytes - held_free_bytes(counters)


def _levels(
    runs: Sequence[RunProfile], read: Callable[[Counters], int | None]
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """The program's levels after each run, and those by the runs' own changes; None where one is not known."""
    levels, changes = [], []
    for run in runs:
        before, after = read(run.before), read(run.after)
        if before is None or after is None:
            return None
        own_bytes, own_change_bytes = _of_tracing(run)
        levels.append(float(after - own_bytes))
        changes.append(after - before - own_change_bytes)
    return tuple(levels), _summed_from(levels[:1], changes)


def _of_tracing(run: RunProfile) -> tuple[int, int]:
    """What exact tracing holds in the process after the run, and how much of that came with the run.

    A history that fills up and a table of more traces are no growth of the program's.
    """
    if run.lines is None:
        return 0, 0
    return (
        run.lines.profiler_bytes + TRACE_MALLOC_BYTES * run.lines.traces,
        TRACE_MALLOC_BYTES * run.lines.retained.count,
    )


def _summed_from(first: Sequence[float], changes: Sequence[int]) -> tuple[float, ...]:
    """The level after each run, had nothing changed between runs, from the level after the first."""
    return tuple(accumulate(changes[1:], initial=first[0])) if first else ()


def has_risen(series: Series, runs: int) -> bool:
    """Whether most of the last `runs` runs are above three quarters of those before them, in anything that may grow.

    A verdict of `stable` stays where this is false, at a hundredth of its cost; noise alone makes it true one time in
    ten. Not the highest of before: after one spike a leak would take long to pass that.
    """
    levels = (series.heap, series.own_heap, series.process, series.own_process)
    return any(_is_above(level[-runs:], level[:-runs]) for level in levels if level)


def _is_above(last: Sequence[float], before: Sequence[float]) -> bool:
    return not before or median_low(last) > sorted(before)[len(before) * 3 // 4]


def verdict(series: Series) -> Verdict:
    """Leaking where Python's heap grows, native growth where only the process does, stable where nothing does."""
    if len(series) < MIN_RUNS:
        missing = MIN_RUNS - len(series)
        reason = f"{len(series)} completed runs so far, a verdict takes {MIN_RUNS}: {missing} more"
        return _verdict(series, State.INSUFFICIENT_RUNS, reason, len(series), None)
    heap, process = _growth_of_heap(series), _growth_of_process(series)
    if heap is not None and series.is_traced:
        return _leaking(series, heap, "traced memory")
    if heap is not None and process is not None:
        return _leaking(series, process, "the process, and with it the number of Python's small objects,")
    if process is not None:
        return _native(series, process)
    return _stable(series)


def _growth_of_heap(series: Series) -> GrowingPart | None:
    least = max(LEAST_HEAP_BYTES if series.is_traced else LEAST_HEAP_BLOCKS, LEAST_SHARE * fmean(map(abs, series.heap)))
    part = _growing_by_its_own_runs(series.heap, series.own_heap, least)
    return part if part is not None and part.rise >= SURE_OF_SAMPLES * series.heap_error_bytes else None


def _growth_of_process(series: Series) -> GrowingPart | None:
    """By malloc's count where that grows, which is exact and has no arenas in it; else by the RSS.

    The RSS wanders, and climbs for a while where more pages of Python's own arenas are touched, one after the other.
    """
    least = max(LEAST_PROCESS_BYTES, LEAST_SHARE * fmean(series.process))
    if series.c_heap is not None and series.own_c_heap is not None:
        part = _growing_by_its_own_runs(series.c_heap, series.own_c_heap, least)
        if part is not None and theil_sen(series.process[-part.runs :])[0] >= SEEN_IN_PROCESS * part.slope:
            return part
    part = _growing_by_its_own_runs(series.process, series.own_process, least, wanders=True)
    return part if part is not None and part.rise >= LEAST_PROCESS_RISE_BYTES else None


def _growing_by_its_own_runs(
    total: Sequence[float], own: Sequence[float], least: float, *, wanders: bool = False
) -> GrowingPart | None:
    """The growing part of what the job's runs add, if the total grows too; None otherwise.

    Where only the total grows another job is to blame. Where only the runs add, it is freed in between: garbage that
    waits for the collector, a table that the next run replaces.
    """
    part = growing_part(own, least, wanders=wanders)
    if part is None or growing_part(total, least, wanders=wanders) is None:
        return None
    return part


def _leaking(series: Series, part: GrowingPart, what: str) -> Verdict:
    reason = f"{what} grows by {_pace(part)}, without giving it back, over the last {part.runs} runs"
    return _verdict(series, State.LEAKING, reason, part.runs, (part.slope, part.low, part.high))


def _native(series: Series, part: GrowingPart) -> Verdict:
    if series.is_traced:
        whose = "and Python's heap does not: a C library keeps it"
    else:
        whose = (
            "and the number of Python's small objects does not: a C library, or large objects; level lines tells which"
        )
    reason = f"the process grows by {_pace(part)} over the last {part.runs} runs, {whose}"
    return _verdict(series, State.NATIVE_GROWTH, reason, part.runs, (part.slope, part.low, part.high))


def _pace(part: GrowingPart) -> str:
    return f"{format_bytes(round(part.slope))} a run"


def _stable(series: Series) -> Verdict:
    pace = theil_sen(series.heap if series.is_traced else series.process)
    what = "traced memory" if series.is_traced else "the process"
    reason = (
        f"nothing grows persistently over {len(series)} runs; {what} moves by {format_change(round(pace[0]))} a run"
    )
    return _verdict(series, State.STABLE, reason, len(series), pace)


def _verdict(series: Series, state: State, reason: str, runs: int, pace: tuple[float, float, float] | None) -> Verdict:
    return Verdict(
        state=state,
        reason=reason,
        runs=runs,
        bytes_per_run=pace[0] if pace else None,
        interval_bytes=pace[1:] if pace else None,
        forecast=forecast(state, pace, series.room) if series.room else None,
    )
