"""The first kind of evidence: what is still alive, by the run that allocated it.

A leak leaves survivors of every age. A bounded cache has no old survivors, a warm-up no young ones, and garbage has
none after a full collection. So the ages are compared by quarters of the runs.

Two other cases have survivors of every age and are no leaks: a store that drains at random has fewer old entries, and a
store that fills up has fewer young ones. Both must be ruled out before a job is accused, but not for a suspicion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from profiling.verdict.statistics import median, middle, quarters

MIN_RUNS = 8  # with fewer, a quarter is a single run
MIN_SAMPLES = 8  # in all quarters together
SURE_Z = 1.645  # 95 %, one-sided
MIN_HALF_SHARE = 1 / 3  # of all survivors, in the older and in the younger half of the runs
MIN_QUARTER_SHARE = 1 / 4  # of the mean pace, in every quarter
# at least so many runs, or an eighth of all, at each end: they show a store that has just filled up, or that expires
END_RUNS = 4
MIN_LATEST_SHARE = 1 / 3  # of the pace, in the latest runs
LATEST_SAMPLES = 30.0  # expected in these runs; of fewer samples a third may be there by chance
MIN_EARLIEST_SHARE = 1 / 6  # of the pace, in the earliest runs: free lists may hide some of what they keep
# share of what the older runs had kept when they ended; if so much is alive, nothing of note has drained
SURVIVED_SHARE = 0.8
SURVIVED_SAMPLES = 12  # so few samples are enough if hardly any memory was freed
SURVIVED_OLD_SAMPLES = 5  # those of them that must come from older runs whose kept memory is known
WARM_UP_RUNS = 2  # memory kept by these first runs may be a warm-up, beside which a leak is small
WINDOW_STEP = 0.87  # length of a window relative to the one before
NET_SHARE = 0.4  # of the pace; the total must rise by so much per run, or else memory is freed as new memory is kept
NET_SAMPLES = 10.0  # expected in the runs over which the total is compared
NET_Z = 3.0  # standard errors of the totals by which they must rise
NET_ENDS = 3  # totals at each end, of which the median counts; more if more runs are active at once
NET_PACE_SAMPLES = 100  # from so many samples on, the rise of the total is precise enough to be the pace
MAX_TOTAL = 4.0  # times the rise: if the total is larger, its own error after thinning is as large as the rise
NET_PACE_SHARE = 0.9  # of the survivors' pace; if the total rises by less, older memory is being freed


@dataclass(frozen=True, slots=True)
class Alive:
    """The estimate of how much memory that one run allocated is still alive."""

    samples: int
    size_bytes: float
    square: float  # sum of the squared estimates of the single samples, for the error of a sum
    variance: float  # of size_bytes, from the sampling alone: 0 for blocks so large that all are sampled

    def __add__(self, other: Alive) -> Alive:
        """Return both estimates added up."""
        return Alive(
            self.samples + other.samples,
            self.size_bytes + other.size_bytes,
            self.square + other.square,
            self.variance + other.variance,
        )


Births = Mapping[int, Alive]
"""What is alive, by the number of the run that allocated it."""

NOTHING = Alive(0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The memory that runs leave behind for good."""

    bytes_per_run: float
    error_bytes: float  # its standard error
    births: tuple[int, int]  # the first and the last run that it is based on
    runs: int  # the number of these runs
    samples: int
    is_sure: bool  # whether draining and filling up are ruled out, so that the job may be accused

    @property
    def interval_bytes(self) -> tuple[float, float]:
        """Return the 95 % interval of bytes_per_run."""
        spread = 1.96 * self.error_bytes
        return max(0.0, self.bytes_per_run - spread), self.bytes_per_run + spread


def surviving_pace(
    births: Births,
    runs: Sequence[int],
    *,
    min_pace_bytes: float,
    latest: Sequence[int] = (),
    totals: Sequence[float] = (),
    kept: Mapping[int, float] | None = None,
    at_once: int = 1,
) -> Pace | None:
    """Return what the runs leave behind for good, or None if some age has no survivors.

    Args:
        births: What is alive now, by birth.
        runs: The births to compare, oldest first. All these runs ended before the last full collection.
        min_pace_bytes: For a slower pace per run, return None.
        latest: The births of all runs that have ended, oldest first, if there are more than in `runs`.
        totals: All bytes alive after each of the last runs, oldest first; they must rise as the pace says.
        kept: What each run had kept when it ended, by birth, as far as that is known.
        at_once: How many runs were active at the same time. The totals then include what the others hold for a while,
            and rise in steps of so many runs if these begin together. So totals are compared over as many runs.

    All runs are compared, then those after a warm-up, then the last seven eighths, and so on, because a leak may have
    begun late. The longest window in which the growth is sure is returned, else the longest window with a suspicion.
    """
    suspicion = None
    for window in _windows(runs):
        pace = _pace_over(births, window, kept or {})
        if (
            pace is None
            or pace.bytes_per_run < min_pace_bytes
            or not _rises(totals, pace, at_once)
            or not _began(births, window, pace)
        ):
            continue
        if pace.is_sure and _goes_on(births, latest or runs, pace) and _rises_clearly(totals, births, window, at_once):
            return _net(totals, pace, at_once)
        suspicion = suspicion or replace(_net(totals, pace, at_once), is_sure=False)
    return suspicion


def _rises(totals: Sequence[float], pace: Pace, at_once: int) -> bool:
    """Return whether the total rises with the pace: over all its runs, their younger half, and enough late ones."""
    lately = max(END_RUNS, at_once, math.ceil(NET_SAMPLES * pace.runs / pace.samples))
    widths = (_width(totals, runs, at_once) for runs in (lately, pace.runs // 2, pace.runs))
    return all(
        width < END_RUNS or _gained(totals, width, at_once) >= NET_SHARE * width * pace.bytes_per_run
        for width in widths  # with a smaller width there are too few totals to tell
    )


def _rises_clearly(totals: Sequence[float], births: Births, runs: Sequence[int], at_once: int) -> bool:
    """Return whether the total rises by more than the error of its ends, over these runs.

    If samples are thinned in between, the total is drawn anew. If entries expire as new ones are added, the samples of
    both are drawn independently of each other. A leak has neither error; by few samples it looks like such a store.
    """
    width = _width(totals, len(runs), at_once)
    if width < END_RUNS:
        return True
    drawn_anew = sum(alive.variance for alive in births.values())
    added = sum(births.get(run, NOTHING).variance for run in runs) * width / len(runs)
    return _gained(totals, width, at_once) >= NET_Z * math.sqrt(max(drawn_anew, 2 * added))


def _width(totals: Sequence[float], runs: int, at_once: int) -> int:
    """Return over how many runs the totals can be compared: as many as wanted, or fewer, in whole steps."""
    width = min(runs, len(totals) - max(NET_ENDS, at_once))
    return max(0, width - width % at_once)


def _gained(totals: Sequence[float], width: int, at_once: int) -> float:
    ends = max(NET_ENDS, at_once)
    return median(totals[-ends:]) - median(totals[-ends - width : -width])


def _net(totals: Sequence[float], pace: Pace, at_once: int) -> Pace:
    """Return the pace minus what older runs lose, as in a queue that takes in three items and gives out one."""
    width = _width(totals, pace.runs, at_once)
    if width < MIN_RUNS or pace.samples < NET_PACE_SAMPLES:
        return pace
    gained = _gained(totals, width, at_once)
    is_exact = totals[-1] <= MAX_TOTAL * gained
    net = gained / width
    return replace(pace, bytes_per_run=net) if is_exact and net < NET_PACE_SHARE * pace.bytes_per_run else pace


def _began(births: Births, runs: Sequence[int], pace: Pace) -> bool:
    """Return whether the earliest runs have survivors too; entries that expire have none."""
    first = runs[: max(END_RUNS, len(runs) // 8)]
    alive = sum(births.get(run, NOTHING).size_bytes for run in first)
    return alive >= MIN_EARLIEST_SHARE * pace.bytes_per_run * len(first)


def _goes_on(births: Births, runs: Sequence[int], pace: Pace) -> bool:
    """Return whether the latest runs keep as much as those before; a full store has nothing of them.

    If few samples are expected from so few runs, the latest of more runs must keep as much, too.
    """
    least = max(END_RUNS, pace.runs // 8)
    telling = math.ceil(LATEST_SAMPLES * pace.runs / pace.samples)
    lengths = {least, max(least, min(pace.runs // 2, telling))}
    return all(
        sum(births.get(run, NOTHING).size_bytes for run in runs[-length:])
        >= MIN_LATEST_SHARE * pace.bytes_per_run * length
        for length in lengths
    )


def _windows(runs: Sequence[int]) -> Iterator[Sequence[int]]:
    length = len(runs)
    while length >= MIN_RUNS:
        yield runs[-length:]
        if length == len(runs) >= MIN_RUNS + WARM_UP_RUNS:
            yield runs[WARM_UP_RUNS:]
        length = int(length * WINDOW_STEP)


def _pace_over(births: Births, runs: Sequence[int], kept: Mapping[int, float]) -> Pace | None:
    groups = [[births.get(runs[index], NOTHING) for index in part] for part in quarters(len(runs))]
    counts = [sum(alive.samples for alive in group) for group in groups]
    samples = sum(counts)
    if samples < MIN_SAMPLES or min(counts) == 0:
        return None
    paces = [sum(alive.size_bytes for alive in group) / len(group) for group in groups]
    pace = middle(paces)
    square = sum(alive.square for group in groups for alive in group)
    return Pace(
        bytes_per_run=pace,
        error_bytes=math.sqrt(square) / len(runs),
        births=(runs[0], runs[-1]),
        runs=len(runs),
        samples=samples,
        is_sure=min(paces) >= MIN_QUARTER_SHARE * sum(paces) / len(paces)
        and (
            _is_even(paces, square / len(runs) ** 2)
            or (_is_even(paces, 0.0) and _has_survived(births, runs, counts, kept))
        ),
    )


def _is_even(paces: Sequence[float], variance: float) -> bool:
    """Return whether neither the old nor the young half lacks survivors, for a sum with this variance."""
    both = sum(paces)
    error = 0.5 * math.sqrt(variance) * len(paces) / both  # of a share of a half, as if all samples were independent
    old = (paces[0] + paces[1]) / both
    return min(old, 1 - old) - SURE_Z * error >= MIN_HALF_SHARE


def _has_survived(births: Births, runs: Sequence[int], counts: Sequence[int], kept: Mapping[int, float]) -> bool:
    """Return whether nearly all memory is alive that the older half of the runs had kept when they ended."""
    older = [run for run in runs[: len(runs) // 2] if run in kept]
    alive = [births.get(run, NOTHING) for run in older]
    if sum(counts) < SURVIVED_SAMPLES or sum(each.samples for each in alive) < SURVIVED_OLD_SAMPLES:
        return False
    return sum(each.size_bytes for each in alive) >= SURVIVED_SHARE * sum(kept[run] for run in older)
