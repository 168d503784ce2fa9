"""Robust statistics of short series: pure functions over floats, one value a run.

Theil (1950) and Sen (1968): the median of all pairwise slopes, which a third of wild values does not move. Mann (1945)
and Kendall (1975): whether later values tend to be higher, whatever the shape. Both ask nothing of the noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


def theil_sen(values: Sequence[float], z: float = 1.96) -> tuple[float, float, float]:
    """Median slope a step, and the interval that holds it with the confidence of `z` (1.96: 95 %), after Sen (1968).

    Raises ValueError for fewer than two values.
    """
    slopes = sorted(
        (later - earlier) / (j - i) for j, later in enumerate(values) for i, earlier in enumerate(values[:j])
    )
    if not slopes:
        raise ValueError("a slope takes two values")
    spread = z * math.sqrt(_kendall_variance(len(values), ()))
    low = max(0, math.floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return median(slopes), slopes[low], slopes[high]


def mann_kendall_z(values: Sequence[float]) -> float:
    """How far the count of rising pairs less falling ones is from chance, in standard deviations; ties are allowed for.

    0 for a constant series; the normal approximation holds from about 8 values on.
    """
    score = sum((later > earlier) - (later < earlier) for j, later in enumerate(values) for earlier in values[:j])
    ties = [list(values).count(value) for value in set(values)]
    variance = _kendall_variance(len(values), ties)
    if variance <= 0 or score == 0:
        return 0.0
    return (score - math.copysign(1, score)) / math.sqrt(variance)


def _kendall_variance(n: int, ties: Sequence[int]) -> float:
    return (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18


@dataclass(frozen=True, slots=True)
class Break:
    """The best way to cut a series in two."""

    at: int  # index of the first value of the second part
    gain: float  # how much better than one straight line, as an F statistic
    bend: float  # what the straight line leaves unexplained (root mean square), as a share of the series' range


def best_break(values: Sequence[float], least: int = 3) -> Break | None:
    """The cut that explains a series best: a level that jumps, or a slope that changes, against one straight line.

    Both parts have at least `least` values; None for a series that is too short for that. The gain is
    (RSS of the line / RSS of the cut - 1) times the degrees of freedom left: Chow (1960), searched over all cuts.
    """
    n = len(values)
    if n < 2 * least:
        return None
    line = _rss_of_line(values, 0, n)
    best_rss, best_at = min(
        (min(_rss_of_jump(values, at), _rss_of_kink(values, at)), at) for at in range(least, n - least + 1)
    )
    if line <= _rounding(values):
        return Break(best_at, 0.0, 0.0)
    bend = math.sqrt(line / n) / (max(values) - min(values))
    return Break(best_at, (line / max(best_rss, _rounding(values)) - 1) * max(1, n - 4), bend)


def _rounding(values: Sequence[float]) -> float:
    """Residuals that are rounding errors, and no difference between one fit and another."""
    return len(values) * (1e-9 * max(abs(value) for value in values)) ** 2 + 1e-12


def _rss_of_line(values: Sequence[float], begin: int, end: int) -> float:
    """Squared residuals of the least-squares line through values[begin:end]."""
    part = values[begin:end]
    n = len(part)
    x_mean, y_mean = (n - 1) / 2, sum(part) / n
    sxx = sum((x - x_mean) ** 2 for x in range(n))
    sxy = sum((x - x_mean) * (y - y_mean) for x, y in enumerate(part))
    syy = sum((y - y_mean) ** 2 for y in part)
    return max(0.0, syy - sxy * sxy / sxx) if sxx else 0.0


def _rss_of_jump(values: Sequence[float], at: int) -> float:
    """Squared residuals of two levels."""
    rss = 0.0
    for part in (values[:at], values[at:]):
        mean = sum(part) / len(part)
        rss += sum((value - mean) ** 2 for value in part)
    return rss


def _rss_of_kink(values: Sequence[float], at: int) -> float:
    """Squared residuals of a line that changes its slope at `at`, without a jump.

    Least squares over 1, x and max(0, x - at), by Gram-Schmidt.
    """
    n = len(values)
    columns = [[1.0] * n, [float(x) for x in range(n)], [max(0.0, x - at) for x in range(n)]]
    residual = list(values)
    basis: list[list[float]] = []
    for column in columns:
        direction = column
        for other in basis:
            share = _dot(direction, other)
            direction = [d - share * o for d, o in zip(direction, other, strict=True)]
        norm = math.sqrt(_dot(direction, direction))
        direction = [d / norm for d in direction]
        basis.append(direction)
        share = _dot(residual, direction)
        residual = [r - share * d for r, d in zip(residual, direction, strict=True)]
    return _dot(residual, residual)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
