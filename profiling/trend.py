"""A series of runs to a verdict: pure functions over records.

Totals decide that something grows; one run, or one line, never does. Growth has to persist: over the window, and after
the last change of level or slope in it, so that a cache that fills up, a step, a sawtooth and noise are stable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from profiling.records import Outcome, RunProfile, State, Verdict
from profiling.robust import best_break, mann_kendall_z, theil_sen
from profiling.units import format_bytes, format_change

MIN_RUNS = 12  # before that, a cache that fills over its first 8 runs looks like a leak
WINDOW_RUNS = 50
SIGNIFICANT_Z = 2.6  # of Mann and Kendall's test: 0.5 % of pure noise is beyond
BREAK_GAIN = 18.0  # F statistic from which on a cut in two explains the series, and not chance
GIVEN_BACK = 0.5  # of a rise: a series that falls by so much at once is a sawtooth
LEAST_SHARE = 0.0002  # of the level a run: what grows slower takes months to matter
LEAST_HEAP_BYTES = 2_048  # a run; likewise
LEAST_PROCESS_BYTES = 32_768  # a run: the RSS moves by pages and arenas


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the runs of a job say, oldest first, one value a run."""

    heap: tuple[float, ...]  # bytes that tracemalloc sees; where it is off, blocks of pymalloc
    is_traced: bool
    process: tuple[float, ...]  # bytes: RSS without what the C allocator holds free

    def __len__(self) -> int:
        return len(self.process)


def series_of(runs: Sequence[RunProfile]) -> Series:
    """The completed runs of the last stretch of tracing, or all completed runs where the last one has no lines.

    A run that failed keeps what its error holds until that is reported, so it says nothing of the job.
    """
    completed = [run for run in runs if run.outcome is Outcome.COMPLETED]
    lines = completed[-1].lines if completed else None
    if lines is not None:
        completed = [run for run in completed if run.lines is not None and run.lines.period == lines.period]
    window = completed[-WINDOW_RUNS:]
    heap = [float(run.lines.traced_bytes if run.lines else run.after.blocks) for run in window]
    process = [float(run.after.rss_bytes - (run.after.c_heap_free_bytes or 0)) for run in window]
    return Series(heap=tuple(heap), is_traced=lines is not None, process=tuple(process))


def verdict(series: Series) -> Verdict:
    """Leaking where Python's heap grows, native growth where only the process does, stable where nothing does."""
    if len(series) < MIN_RUNS:
        missing = MIN_RUNS - len(series)
        reason = f"{len(series)} completed runs so far, a verdict takes {MIN_RUNS}: {missing} more"
        return Verdict(
            state=State.INSUFFICIENT_RUNS, reason=reason, runs=len(series), bytes_per_run=None, interval_bytes=None
        )
    heap = growing_part(series.heap, LEAST_HEAP_BYTES if series.is_traced else 1.0)
    process = growing_part(series.process, LEAST_PROCESS_BYTES)
    if heap is not None and series.is_traced:
        return _leaking(heap, "traced memory")
    if heap is not None and process is not None:
        return _leaking(process, "the process, and with it the number of Python's small objects,")
    if process is not None:
        return _native(process, is_traced=series.is_traced)
    return _stable(series)


def growing_part(values: Sequence[float], least: float) -> Sequence[float] | None:
    """The part of the series, up to its end, over which it grows by `least` a run or more; None where there is none."""
    part = values
    cut = best_break(values)
    if cut is not None and cut.gain > BREAK_GAIN:
        part = values[cut.at :]
        if len(part) < MIN_RUNS * 2 // 3 or _is_given_back(values, part) or not _is_one_piece(part):
            return None
    slope, _, _ = theil_sen(part)
    level = abs(sum(part)) / len(part)
    if slope < max(least, LEAST_SHARE * level) or mann_kendall_z(part) < SIGNIFICANT_Z:
        return None
    return part


def _is_one_piece(part: Sequence[float]) -> bool:
    cut = best_break(part)
    return cut is None or cut.gain <= BREAK_GAIN


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
