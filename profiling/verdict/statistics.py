"""Statistics of short series: quarters and a test for a trend. Pure functions over floats, one value per run."""

from __future__ import annotations

import math
from collections.abc import Sequence

GROUPS = 4


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean. Raises ZeroDivisionError for no values."""
    return sum(values) / len(values)


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two. Raises IndexError for no values.

    The standard library's module takes 1 MB and 5 ms to import, for decimals and fractions.
    """
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


def quarters(length: int) -> list[range]:
    """Return the indices of a series in four parts of nearly equal length, in order."""
    return [range(length * part // GROUPS, length * (part + 1) // GROUPS) for part in range(GROUPS)]


def quarter_means(values: Sequence[float]) -> list[float]:
    """Return the mean of each quarter. Raises ZeroDivisionError for fewer than four values."""
    return [sum(values[index] for index in part) / len(part) for part in quarters(len(values))]


def middle(values: Sequence[float]) -> float:
    """Return the mean of the two middle values of four, which one odd quarter or a warm-up hardly moves."""
    ranked = sorted(values)
    return (ranked[1] + ranked[2]) / 2


def mann_kendall_z(values: Sequence[float]) -> float:
    """Return by how many standard deviations rising pairs outnumber falling ones (Mann, 1945; Kendall, 1975)."""
    length = len(values)
    score = sum((later > earlier) - (later < earlier) for at, later in enumerate(values) for earlier in values[:at])
    spread = math.sqrt(length * (length - 1) * (2 * length + 5) / 18)
    return (score - (score > 0) + (score < 0)) / spread if spread else 0.0
