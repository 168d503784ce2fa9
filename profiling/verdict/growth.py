"""Whether a series of levels grows, and goes on growing: a pure function over floats, one value a run.

One rise proves nothing: a cache fills up, a table is replaced, garbage waits for the collector. So these are asked:

1. Was as much given back before? Then it is a saw, and each run is compared with those as far from their last fall.
   What has risen by twice as much as was ever given back is no tooth any more.
2. Does it rise? Mann and Kendall's test, and Theil and Sen's slope above a gate.
3. Would a plateau explain it? A cache that filled over the first runs, or a level that jumped, rises too. A line has to
   explain the series about as well at least; of few runs clearly better.
4. Is it rising still? In each third the pace has to be a good part of the whole's: so psleak takes for leaked what
   grows in every repetition.
5. Is one line what it is? A level that jumps or a slope that changes begins a new series, and only the part since then
   counts: so a leak is found beside a warm cache, or when it begins late.

How sure it must be depends on the runs there are (`_threshold`), since the question is put again after each: error is
spent where it buys something, as in a group sequential design (Lan and DeMets, "Discrete sequential boundaries for
clinical trials", 1983). Up to 17 runs half of them may be warm-up, so only a clear case counts. At 20, growth of 1 % a
run in noise of 5 % stands at 3.7 standard deviations, and a limit of 2.3 finds it in 97 of 100. From 24 on it stands
near 5, and the limit is 3.

The price is paid from 18 to 23 runs: a heap whose level is slow to come back (an autocorrelation of 0.5 to 0.8 from
run to run) is then taken for growth in 7 series of 100, and one that some runs borrow from in 2; from 30 runs on in 3
and in fewer than 1. Whatever else is stationary, and any resident size, is so in 1 of 100 at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from profiling.verdict.statistics import (
    Fits,
    autocorrelation_factor,
    drift_z,
    falls,
    fit,
    mann_kendall_z,
    theil_sen,
    without_spikes,
)

LEAST_RUNS = 7  # since the last change of level or slope: by chance they rise from first to last once in 5 040 times
FEW_RUNS = 18  # below, half of them may be the warm-up
WARM_UP_RUNS = 8  # by then a cache is full
SURE_Z = 3.2  # Mann and Kendall's, where few runs or a cut chosen with hindsight ask for more
EARLY_Z, EARLY_RUNS = 2.3, 24  # the same up to so many runs
LATE_Z = 3.0  # the same from then on
WALK_Z = 3.2  # of the mean step: not even a random walk climbs so
PLATEAU_SHARE = 0.8  # of what a line leaves unexplained: a plateau that leaves less is what the series is
FEW_PLATEAU_SHARE = 1.25  # the same of few runs
BREAK_GAIN = 14.0  # F statistic: a straight line in noise has a cut that good in 1 of 100 series
STILL_SHARE = 1 / 3  # of the whole's pace, in each third: what is less has come to an end
STILL_Z = 2.0  # confidence with which a third is slower
OUTGROWN = 2.0  # times the largest fall: so much is no tooth of a saw
MOST_CUTS = 3


@dataclass(frozen=True, slots=True)
class GrowingPart:
    """The last part of a series, over which it grows."""

    slope: float  # a run
    low: float  # of the slope, 95 %
    high: float
    runs: int  # how many values it rests on

    @property
    def rise(self) -> float:
        """Over all its runs."""
        return self.slope * (self.runs - 1)


@dataclass(frozen=True, slots=True)
class _Part:
    """The values since some run, without spikes and teeth."""

    values: Sequence[float]
    seasons: Sequence[int] | None  # runs since the last fall; None where nothing is given back
    is_cut: bool  # whether the series began earlier

    def since(self, at: int) -> _Part:
        return _Part(self.values[at:], self.seasons[at:] if self.seasons else None, is_cut=True)

    @property
    def is_doubtful(self) -> bool:
        return self.is_cut or len(self.values) < FEW_RUNS


def growing_part(values: Sequence[float], least: float, *, wanders: bool = False) -> GrowingPart | None:
    """The part of the series, up to its end, over which it grows by `least` a run or more; None where there is none.

    A series that `wanders` (a resident size) has to climb more than a random walk would.
    """
    if len(values) < LEAST_RUNS:
        return None
    part = _without_teeth(without_spikes(values))
    for _ in range(MOST_CUTS + 1):
        if len(part.values) < LEAST_RUNS:
            return None
        fits = fit(part.values, WARM_UP_RUNS)
        is_broken = fits.gain > BREAK_GAIN
        found = _rising(part, least, wanders=wanders)
        if found is not None and not _is_plateau(part, fits) and _rises_still(part, found.slope, is_broken=is_broken):
            return found
        if not is_broken:
            return None
        part = part.since(fits.broken_at)
    return None


def _without_teeth(values: Sequence[float]) -> _Part:
    """Levels without what recurs after each fall, or those since the last fall where they have outgrown it."""
    teeth = falls(values)
    if not teeth:
        return _Part(values, None, is_cut=False)
    last = values[teeth[-1] :]
    largest = max(values[at - 1] - values[at] for at in teeth)
    if len(last) >= LEAST_RUNS and median(last[-3:]) - min(last[:3]) > OUTGROWN * largest:
        return _Part(last, None, is_cut=True)
    seasons = [at - max((tooth for tooth in teeth if tooth <= at), default=0) for at in range(len(values))]
    return _Part(_without_seasons(values, seasons), seasons, is_cut=False)


def _without_seasons(values: Sequence[float], seasons: Sequence[int]) -> list[float]:
    slope = theil_sen(values, seasons=seasons)[0] if len(set(seasons)) < len(seasons) else 0.0
    rest = [value - slope * index for index, value in enumerate(values)]
    middle = median(rest)
    effects = {
        season: median(value for value, other in zip(rest, seasons, strict=True) if other == season) - middle
        for season in set(seasons)
    }
    return [value - effects[season] for value, season in zip(values, seasons, strict=True)]


def _threshold(part: _Part) -> float:
    n = len(part.values)
    if n == LEAST_RUNS:
        return mann_kendall_z(range(LEAST_RUNS))  # every value above all before it
    if part.is_doubtful:
        return SURE_Z
    return EARLY_Z if n < EARLY_RUNS else LATE_Z


def _rising(part: _Part, least: float, *, wanders: bool) -> GrowingPart | None:
    """The slope, where it is significant and at least `least`."""
    z, threshold = mann_kendall_z(part.values, seasons=part.seasons), _threshold(part)
    if z < threshold:
        return None
    slope, low, high = theil_sen(part.values, seasons=part.seasons)
    if slope < least:
        return None
    if drift_z(part.values) < WALK_Z and (wanders or z < threshold * _alikeness(part, slope)):
        return None
    return GrowingPart(slope, low, high, len(part.values))


def _alikeness(part: _Part, slope: float) -> float:
    """How much more it takes where neighbours are alike; 1 for a saw, whose seasons are compared apart."""
    return 1.0 if part.seasons is not None else autocorrelation_factor(part.values, slope)


def _is_plateau(part: _Part, fits: Fits) -> bool:
    """Whether a plateau explains it better than the line; of few runs, also whether a jump does.

    Of more runs a jump shows as a break.
    """
    if part.is_doubtful:
        return min(fits.plateau, fits.jump) < FEW_PLATEAU_SHARE * fits.line
    return fits.plateau < PLATEAU_SHARE * fits.line


def _rises_still(part: _Part, slope: float, *, is_broken: bool) -> bool:
    """Whether each third keeps a share of the pace.

    Noise has the benefit of the doubt: a third that may keep it does. Not so where a break casts doubt on the line as a
    whole: then each has to keep it by its own slope.
    """
    last = len(part.values) - 1
    for third in range(3):
        own, _, high = theil_sen(part.values[third * last // 3 : (third + 1) * last // 3 + 1], STILL_Z)
        if (own if is_broken else high) < STILL_SHARE * slope:
            return False
    return True
