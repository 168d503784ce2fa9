"""Robust statistics of short series: pure functions over floats, one value a run.

Theil (1950) and Sen (1968): the median of all pairwise slopes, which a quarter of wild values does not move. Mann
(1945) and Kendall (1975): whether later values tend to be higher, whatever the shape. Both ask nothing of the noise but
that its values do not depend on each other; `autocorrelation_factor` and `drift_z` are for those that do. Where values
recur with a season only those of the same season are compared: Hirsch, Slack and Smith, "Techniques of trend analysis
for monthly water quality data" (1982).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, stdev

CERTAIN = 99.0  # standard deviations, where there is no noise to divide by
ROUNDING = 1e-9  # of the largest value: differences below it are the floats', not the series'


def theil_sen(
    values: Sequence[float], z: float = 1.96, *, seasons: Sequence[int] | None = None
) -> tuple[float, float, float]:
    """Median slope a step, and the interval that holds it with the confidence of `z` (1.96: 95 %), after Sen (1968).

    `seasons` has a label for each value. Raises ValueError where no two values can be compared.
    """
    slopes = sorted(
        (later - values[i]) / (j - i)
        for j, later in enumerate(values)
        for i in range(j)
        if seasons is None or seasons[i] == seasons[j]
    )
    if not slopes:
        raise ValueError("a slope takes two values, of the same season where there are seasons")
    groups = [len(values)] if seasons is None else Counter(seasons).values()
    spread = z * math.sqrt(sum(_kendall_variance(n) for n in groups))
    low = max(0, math.floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return median(slopes), slopes[low], slopes[high]


def mann_kendall_z(values: Sequence[float], *, seasons: Sequence[int] | None = None) -> float:
    """How far the count of rising pairs less falling ones is from chance, in standard deviations; ties are allowed for.

    0 for a constant series; the normal approximation holds from about 8 values on.
    """
    score, variance = 0, 0.0
    for group in _by_season(values, seasons):
        score += sum((later > earlier) - (later < earlier) for j, later in enumerate(group) for earlier in group[:j])
        variance += _kendall_variance(len(group)) - sum(_kendall_variance(n) for n in Counter(group).values())
    if variance <= 0 or score == 0:
        return 0.0
    return (score - math.copysign(1, score)) / math.sqrt(variance)


def _by_season(values: Sequence[float], seasons: Sequence[int] | None) -> Iterator[Sequence[float]]:
    if seasons is None:
        yield values
        return
    for season in set(seasons):
        yield [value for value, other in zip(values, seasons, strict=True) if other == season]


def _kendall_variance(n: int) -> float:
    return n * (n - 1) * (2 * n + 5) / 18


def autocorrelation_factor(values: Sequence[float], slope: float) -> float:
    """By how much a trend's standard deviations count for less, because neighbours in the series are alike.

    1 where what is left beside `slope` looks independent, else sqrt((1 + r) / (1 - r)) with r its autocorrelation at
    lag one: Hamed and Rao, "A modified Mann-Kendall trend test for autocorrelated data" (1998), for a decay of order 1.
    """
    rest = [value - slope * index for index, value in enumerate(values)]
    mean = fmean(rest)
    rest = [value - mean for value in rest]
    power = math.fsum(value * value for value in rest)
    if power <= rounding_power(values):
        return 1.0
    r = math.fsum(one * other for one, other in pairwise(rest)) / power
    return math.sqrt((1 + r) / (1 - r)) if r > 2 / math.sqrt(len(values)) else 1.0


def drift_z(values: Sequence[float]) -> float:
    """How far the mean step is from zero, in standard deviations: large where a series climbs more than a random walk.

    Student's t of the steps, with Wallace's approximation (1959) for that few steps do not tell their spread well.
    """
    steps = [later - earlier for earlier, later in pairwise(values)]
    mean, spread = fmean(steps), stdev(steps)
    if spread <= ROUNDING * max(map(abs, values)):
        return math.copysign(CERTAIN, mean) if mean else 0.0
    t, freedom = mean / (spread / math.sqrt(len(steps))), len(steps) - 1
    z = math.sqrt(freedom * math.log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return math.copysign(z, t)


def without_spikes(values: Sequence[float], factor: float = 5.0) -> list[float]:
    """The series, with what one or two neighbours rise above both sides by `factor` usual steps cut off.

    Memory that a run or two borrowed. The first and the last value stay: what came before, or follows, is not known.
    """
    limit = factor * _usual_step(values)
    cleaned = list(values)
    for at in range(1, len(values) - 1):
        level = max(min(values[max(0, at - 2) : at]), min(values[at + 1 : at + 3]))
        if values[at] - level > limit:
            cleaned[at] = level
    return cleaned


def falls(values: Sequence[float], factor: float = 6.0) -> list[int]:
    """Where the series gives back at once at least half of what it rose since the last such fall: the teeth of a saw.

    The index of the first value after each. A fall is more than `factor` usual steps, so that noise has none.
    """
    limit = factor * _usual_step(values)
    found, low = [], values[0]
    for at in range(1, len(values)):
        low = min(low, values[at - 1])
        fall = values[at - 1] - values[at]
        if fall > limit and fall >= (values[at - 1] - low) / 2:
            found.append(at)
            low = values[at]
    return found


def _usual_step(values: Sequence[float]) -> float:
    return median(abs(later - earlier) for earlier, later in pairwise(values))


def rounding_power(values: Sequence[float]) -> float:
    """A sum of squares that rounding alone may leave."""
    return len(values) * (ROUNDING * max(map(abs, values))) ** 2


@dataclass(frozen=True, slots=True)
class Fits:
    """How well shapes explain a series: the sums of squares that they leave, never less than rounding does."""

    line: float
    plateau: float  # a line that becomes level after a warm-up, at best
    jump: float  # two levels, at best
    broken: float  # two levels, or two lines that meet, at best
    broken_at: int  # the index at which the second of them begins
    runs: int

    @property
    def gain(self) -> float:
        """How much better the broken line is than the straight one, as an F statistic after Chow (1960)."""
        return (self.line / self.broken - 1) * max(1, self.runs - 4)


def fit(values: Sequence[float], warm_up: int, least: int = 3) -> Fits:
    """The shapes' residuals, each with the best place for its bend or jump.

    A plateau begins by the run `warm_up` (from 0); it, and both parts of a broken line, have at least `least` values.
    All shapes are least squares over 1, x and the hinge max(0, x - bend), or over 1 and a step, whose sums have closed
    forms: one pass from the end does for all places. Raises ValueError for a series shorter than two parts.
    """
    n = len(values)
    if n < 2 * least:
        raise ValueError(f"{2 * least} values are the fewest to be cut in two")
    mean = fmean(values)
    power = math.fsum((value - mean) ** 2 for value in values)
    xx = n * (n * n - 1) / 12
    xy = math.fsum(x * (value - mean) for x, value in enumerate(values))
    nothing = rounding_power(values) or 1.0  # of zeros alone nothing is left, whatever the shape
    line = max(power - xy**2 / xx, nothing)
    plateau = jump = power
    broken, broken_at = line, least
    tail = hinge_y = 0.0  # sums of the values from the cut on, and of the hinge times the values
    for cut in range(n - 1, 1, -1):  # the second part's first value; the bend is at the last of the first part
        m = n - cut
        tail += values[cut] - mean
        hinge_y += tail
        total, squares = m * (m + 1) / 2, m * (m + 1) * (2 * m + 1) / 6
        hinge_hinge = squares - total * total / n
        x_hinge = (cut - 1) * total + squares - total * (n - 1) / 2
        here = power - tail * tail / (m - m * m / n)
        jump = min(jump, here)
        if cut - 1 <= warm_up and m >= least:  # 1 and min(x, bend), which is x less the hinge
            plateau = min(plateau, power - (xy - hinge_y) ** 2 / (xx - 2 * x_hinge + hinge_hinge))
        if not least <= cut <= n - least:
            continue
        determinant = xx * hinge_hinge - x_hinge * x_hinge
        slope = (xy * hinge_hinge - hinge_y * x_hinge) / determinant
        change = (hinge_y * xx - xy * x_hinge) / determinant
        here = min(here, power - slope * xy - change * hinge_y)
        if here < broken:
            broken, broken_at = here, cut
    return Fits(line, max(plateau, nothing), max(jump, nothing), max(broken, nothing), broken_at, n)
