"""A series of runs to a verdict: pure functions.

Totals decide that something grows; one run, or one line, never does. What grows has to be added by the job's own runs,
and to stay in the whole: else another job is to blame, or it is freed between runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from statistics import fmean, median_low

from profiling.records import State, Verdict
from profiling.units import format_bytes, format_change
from profiling.verdict.forecast import forecast
from profiling.verdict.growth import GrowingPart, growing_part
from profiling.verdict.series import MIN_RUNS, Levels, Series
from profiling.verdict.statistics import theil_sen

SURE_OF_SAMPLES = 3.0
"""Standard errors that estimates have to rise by: samples stay, and so does their error. So many samples squared, too:
the error that few samples tell is itself a guess, and n of them come and go by their root."""
LEAST_SHARE = 0.0001  # of the level a run: what grows slower takes months to matter
LEAST_HEAP_BYTES = 2_048  # a run; likewise
LEAST_HEAP_BLOCKS = 1
LEAST_PROCESS_BYTES = 32_768  # a run: the RSS moves by pages and arenas
LEAST_PROCESS_RISE_BYTES = 2 << 20  # over all runs: two arenas
EARLY_SHARE = 1 / 4  # of a rise: so far are the last four of 12 to 50 runs above three quarters of the others
LATE_SHARE = 2 / 3  # of the runs that grow have to be before the last full collection
FREED_SHARE = 0.5  # of the growth until then: where full collections have freed more it is garbage
TRACED = "traced memory"
SEEN_IN_PROCESS = 0.5  # of what malloc hands out a run: the process has to grow by as much, else it fills a hole


class Doubt(Enum):
    """Why growth is no leak yet."""

    NOT_COLLECTED = "no full garbage collection has come since, that would tell whether it is garbage"
    FREED = "full garbage collections free most of it: that is garbage, or on the interpreter's free lists"


def has_risen(series: Series, runs: int) -> bool:
    """Whether most of the last `runs` runs are above three quarters of those before them, in anything that may grow.

    By as much as they are where it grows by the least that is told. A verdict of `stable` stays where this is false,
    at a hundredth of its cost; noise alone makes it true at most one time in ten. Not the highest of before: after one
    spike a leak would take long to pass that.
    """

    def have_risen(*rows: Sequence[float], least: float) -> bool:
        return all(_rise(row, runs) >= least for row in rows)

    heap, process, c_heap = series.heap, series.process, series.c_heap
    if series.is_traced and have_risen(
        heap.total, heap.own, least=max(LEAST_HEAP_BYTES, _least_heap_rise(series) * EARLY_SHARE)
    ):
        return True
    if c_heap is not None and have_risen(c_heap.after, c_heap.own, least=LEAST_PROCESS_BYTES):
        return True
    return have_risen(process.after, process.own, least=LEAST_PROCESS_RISE_BYTES * EARLY_SHARE)


def _rise(levels: Sequence[float], runs: int) -> float:
    """Of most of the last runs over three quarters of those before."""
    before = levels[:-runs]
    return median_low(levels[-runs:]) - sorted(before)[len(before) * 3 // 4] if before else 0.0


def verdict(series: Series) -> Verdict:
    """Leaking where Python's heap grows, native growth where only the process does, stable where nothing does."""
    if len(series) < MIN_RUNS:
        missing = MIN_RUNS - len(series)
        reason = f"{len(series)} completed runs so far, a verdict takes {MIN_RUNS}: {missing} more"
        told = _verdict(series, State.INSUFFICIENT_RUNS, reason, len(series), None)
        return replace(told, needs_collection=missing == 1)  # so that the first verdict need not wait for it
    heap, (process, levels) = _growth_of_heap(series), _growth_of_process(series)
    if heap is not None and series.is_traced:
        doubt = _doubt(series.heap, heap)
        return _doubtful(series, heap, TRACED, doubt) if doubt else _leaking(series, heap, TRACED)
    if process is not None:
        doubt = _doubt(levels, process) or (_doubt(series.heap, heap) if heap else None)
        if doubt:
            return _doubtful(series, process, "the process", doubt)
    if heap is not None and process is not None:
        return _leaking(series, process, "the process, and with it the number of Python's small objects,")
    if process is not None:
        return _native(series, process)
    return _stable(series)


def _doubt(levels: Levels, part: GrowingPart) -> Doubt | None:
    """Whether what grows may be garbage, or on the interpreter's free lists, which a full collection empties too."""
    if levels.freed is None:
        return None  # no collection is to be had
    freed = levels.freed[-part.runs :]
    last = max((at for at in range(part.runs) if freed[at] is not None), default=0)
    if last < LATE_SHARE * part.runs:
        return Doubt.NOT_COLLECTED
    freed_bytes = sum(so_far or 0.0 for so_far in freed[: last + 1])
    return Doubt.FREED if freed_bytes > FREED_SHARE * part.slope * last else None


def _growth_of_heap(series: Series) -> GrowingPart | None:
    least = max(
        LEAST_HEAP_BYTES if series.is_traced else LEAST_HEAP_BLOCKS, LEAST_SHARE * fmean(map(abs, series.heap.after))
    )
    part = _growing_by_its_own_runs(series.heap.total, series.heap.own, least)
    return part if part is not None and part.rise >= _least_heap_rise(series) else None


def _least_heap_rise(series: Series) -> float:
    """Over all runs, that samples may be sure of; 0 where the heap's figures are exact."""
    return max(SURE_OF_SAMPLES * series.heap_error_bytes, SURE_OF_SAMPLES**2 * series.heap_sample_bytes)


def _growth_of_process(series: Series) -> tuple[GrowingPart | None, Levels]:
    """With the levels that it was found in: malloc's count where that grows, exact and without arenas, else the RSS.

    The RSS wanders, and climbs for a while where more pages of Python's own arenas are touched, one after the other.
    What it falls by is given back, also where a full collection came then: malloc's heap may have been trimmed as well.
    """
    least = max(LEAST_PROCESS_BYTES, LEAST_SHARE * fmean(series.process.after))
    if series.c_heap is not None:
        part = _growing_by_its_own_runs(series.c_heap.after, series.c_heap.own, least)
        if part is not None and theil_sen(series.process.after[-part.runs :])[0] >= SEEN_IN_PROCESS * part.slope:
            return part, series.c_heap
    part = _growing_by_its_own_runs(series.process.after, series.process.own, least, wanders=True)
    return part if part is not None and part.rise >= LEAST_PROCESS_RISE_BYTES else None, series.process


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
    reason = f"{what} grows by {_pace(part)}, without giving it back, over {_last_runs(series, part)}"
    return _verdict(series, State.LEAKING, reason, part.runs, (part.slope, part.low, part.high))


def _doubtful(series: Series, part: GrowingPart, what: str, doubt: Doubt) -> Verdict:
    reason = f"{what} grows by {_pace(part)} over the last {part.runs} runs, but {doubt.value}"
    told = _verdict(series, State.STABLE, reason, part.runs, (part.slope, part.low, part.high))
    return replace(told, needs_collection=True)


def _native(series: Series, part: GrowingPart) -> Verdict:
    if series.is_traced:
        whose = "and Python's heap does not: a C library keeps it"
    else:
        whose = (
            "and the number of Python's small objects does not: a C library, or large objects; level lines tells which"
        )
    reason = f"the process grows by {_pace(part)} over {_last_runs(series, part)}, {whose}"
    return _verdict(series, State.NATIVE_GROWTH, reason, part.runs, (part.slope, part.low, part.high))


def _last_runs(series: Series, part: GrowingPart) -> str:
    return f"the last {part.runs} runs" + (" that all garbage was collected around" if series.is_collected else "")


def _pace(part: GrowingPart) -> str:
    return f"{format_bytes(round(part.slope))} a run"


def _stable(series: Series) -> Verdict:
    pace = theil_sen(series.heap.after if series.is_traced else series.process.after)
    what = TRACED if series.is_traced else "the process"
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
        # Once begun it goes on until there is a series without garbage, and while that grows.
        needs_collection=series.is_collecting or state.grows,
    )
