"""The first kind of evidence: what is alive, by the run that allocated it.

A leak leaves survivors of every age. A bounded cache has no old ones, a warm-up no young ones, and garbage none once a
full collection has come. So the ages are compared in quarters of the runs. Two further cases have survivors of every
age and are none: a store that drains at random, whose old entries are fewer, and a store that fills up, whose young
ones are fewer. Both have to be ruled out before a job is accused; for a suspicion they need not be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from profiling.verdict.statistics import median, middle, quarters

MIN_RUNS = 8  # below, a quarter is a single run
MIN_SAMPLES = 8  # over all quarters
SURE_Z = 1.645  # 95 %, one-sided
MIN_HALF_SHARE = 1 / 3  # of all survivors, in the older and in the younger half of the runs
MIN_QUARTER_SHARE = 1 / 4  # of the mean pace, in every quarter
END_RUNS = 4  # at least, or an eighth of the runs: by these a store that has just filled up shows, or one that expires
MIN_LATEST_SHARE = 1 / 3  # of the pace, in the latest runs
MIN_EARLIEST_SHARE = 1 / 6  # of the pace, in the earliest: free lists may have hidden some of what those keep
SURVIVED_SHARE = 0.8  # of what the older runs kept at their own end: nothing of note has drained since
SURVIVED_SAMPLES = 12  # so few are enough if hardly any has died
SURVIVED_OLD_SAMPLES = 5  # of them from older runs of which it is known what they had kept
WARM_UP_RUNS = 2  # what the first runs keep may be a warm-up, beside which a leak is small
WINDOW_STEP = 0.75  # from one window to the next
NET_SHARE = 0.4  # of the pace: so much the total has to rise per run of late, else others die as these are born
NET_SAMPLES = 10.0  # to be expected in the runs over which it is looked at
NET_ENDS = 3  # totals at either end, of which the median counts; more if more runs are at work together
NET_PACE_SAMPLES = 100  # from so many on the rise of the total is exact enough to be the pace
MAX_TOTAL = 4.0  # times that rise: beside a larger total its own error, when samples are thinned, is as large
NET_PACE_SHARE = 0.9  # of the survivors' pace: below it older ones are lost meanwhile


@dataclass(frozen=True, slots=True)
class Alive:
    """What is alive of what one run allocated, as estimated from samples."""

    samples: int
    size_bytes: float
    square: float  # the sum of the squared estimates of the single samples, for the error of a sum

    def __add__(self, other: Alive) -> Alive:
        """Return both together."""
        return Alive(self.samples + other.samples, self.size_bytes + other.size_bytes, self.square + other.square)


Births = Mapping[int, Alive]
"""What is alive, by the number of the run it was born in."""

NOTHING = Alive(0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What runs leave behind for good."""

    bytes_per_run: float
    error_bytes: float  # its standard error
    births: tuple[int, int]  # the first and the last run that it rests on
    runs: int  # how many those are
    samples: int
    is_sure: bool  # whether draining and filling up are ruled out, so that a job may be accused

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
        runs: The births to compare, oldest first. All of these runs have ended before the last full collection.
        min_pace_bytes: A pace below this, per run, is None.
        latest: The births of all runs that have ended, oldest first, if they are more than `runs`.
        totals: Bytes alive in all after each of the last runs, oldest first; they have to rise as the pace says.
        kept: What each run had kept at its own end, by birth, as far as that is known.
        at_once: How many runs were at work together. The totals at their ends have in them what the others hold for a
            while, and rise in steps of so many runs if they begin together. So they are compared over as many.

    All runs are compared, then those after a warm-up, the last three quarters of all, and so on: a leak may have begun
    late.
    The longest window that makes the case sure is returned, else the longest that makes a suspicion.
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
        if pace.is_sure and _goes_on(births, latest or runs, pace):
            return _net(totals, pace, at_once)
        suspicion = suspicion or replace(_net(totals, pace, at_once), is_sure=False)
    return suspicion


def _rises(totals: Sequence[float], pace: Pace, at_once: int) -> bool:
    """Return whether the total rises as the pace says: over its runs, and of late over as many as it takes to tell."""
    lately = max(END_RUNS, at_once, math.ceil(NET_SAMPLES * pace.runs / pace.samples))
    widths = (_width(totals, runs, at_once) for runs in (lately, pace.runs))
    return all(
        width < END_RUNS or _gained(totals, width, at_once) >= NET_SHARE * width * pace.bytes_per_run
        for width in widths  # if it is less there are too few totals to tell
    )


def _width(totals: Sequence[float], runs: int, at_once: int) -> int:
    """Return over how many runs the totals can be compared: as many as wanted, or less, in whole steps."""
    width = min(runs, len(totals) - max(NET_ENDS, at_once))
    return max(0, width - width % at_once)


def _gained(totals: Sequence[float], width: int, at_once: int) -> float:
    ends = max(NET_ENDS, at_once)
    return median(totals[-ends:]) - median(totals[-ends - width : -width])


def _net(totals: Sequence[float], pace: Pace, at_once: int) -> Pace:
    """Return the pace less what older runs lose meanwhile: of a queue that takes in three and gives out one."""
    width = _width(totals, pace.runs, at_once)
    if width < MIN_RUNS or pace.samples < NET_PACE_SAMPLES:
        return pace
    gained = _gained(totals, width, at_once)
    is_exact = totals[-1] <= MAX_TOTAL * gained
    net = gained / width
    return replace(pace, bytes_per_run=net) if is_exact and net < NET_PACE_SHARE * pace.bytes_per_run else pace


def _began(births: Births, runs: Sequence[int], pace: Pace) -> bool:
    """Return whether the earliest runs have survivors too: entries that expire have none of those."""
    first = runs[: max(END_RUNS, len(runs) // 8)]
    alive = sum(births.get(run, NOTHING).size_bytes for run in first)
    return alive >= MIN_EARLIEST_SHARE * pace.bytes_per_run * len(first)


def _goes_on(births: Births, runs: Sequence[int], pace: Pace) -> bool:
    """Return whether the latest runs keep as much as those before: a full store has nothing of them."""
    last = runs[-max(END_RUNS, pace.runs // 8) :]
    alive = sum(births.get(run, NOTHING).size_bytes for run in last)
    return alive >= MIN_LATEST_SHARE * pace.bytes_per_run * len(last)


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
    """Return whether a sum with this variance rules out that the old or the young half is short of survivors."""
    both = sum(paces)
    error = 0.5 * math.sqrt(variance) * len(paces) / both  # of a share of a half, as if all samples were independent
    old = (paces[0] + paces[1]) / both
    return min(old, 1 - old) - SURE_Z * error >= MIN_HALF_SHARE


def _has_survived(births: Births, runs: Sequence[int], counts: Sequence[int], kept: Mapping[int, float]) -> bool:
    """Return whether nearly all is alive that the older half of the runs had kept at their own ends."""
    older = [run for run in runs[: len(runs) // 2] if run in kept]
    alive = [births.get(run, NOTHING) for run in older]
    if sum(counts) < SURVIVED_SAMPLES or sum(each.samples for each in alive) < SURVIVED_OLD_SAMPLES:
        return False
    return sum(each.size_bytes for each in alive) >= SURVIVED_SHARE * sum(kept[run] for run in older)
