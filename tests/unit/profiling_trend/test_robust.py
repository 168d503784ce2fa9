"""Slopes and trends against figures that were worked out by hand, and against what must hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.robust import best_break, mann_kendall_z, theil_sen

values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


def test_slope_is_the_median_of_all_pairs_and_wild_values_do_not_move_it() -> None:
    assert theil_sen([1, 3, 5, 7])[0] == 2
    assert theil_sen([1, 2, 900, 4, 5, 6, -700, 8, 9])[0] == 1


def test_interval_holds_the_slope_and_widens_with_confidence() -> None:
    series = [0, 1.2, 1.8, 3.3, 3.9, 5.1, 5.8, 7.2]
    slope, low, high = theil_sen(series)
    _, wider_low, wider_high = theil_sen(series, z=2.6)
    assert wider_low <= low <= slope <= high <= wider_high
    assert low > 0.8
    assert high < 1.2


def test_one_value_has_no_slope() -> None:
    with pytest.raises(ValueError, match="a slope takes two values"):
        theil_sen([1])


def test_trend_of_a_rising_series_is_the_textbooks() -> None:
    # n = 10, S = 45, Var = 10 * 9 * 25 / 18 = 125: z = 44 / sqrt(125).
    assert mann_kendall_z(range(10)) == pytest.approx(3.9355, abs=1e-4)
    assert mann_kendall_z(range(9, -1, -1)) == pytest.approx(-3.9355, abs=1e-4)


def test_ties_are_taken_off_the_variance() -> None:
    # S = 5, Var = (4 * 3 * 13 - 2 * 1 * 9) / 18 = 7.6667: z = 4 / sqrt(7.6667).
    assert mann_kendall_z([1, 2, 2, 3]) == pytest.approx(1.4446, abs=1e-4)
    assert mann_kendall_z([5, 5, 5, 5]) == 0


@given(values)
def test_reversed_series_has_the_opposite_trend(series: list[float]) -> None:
    assert mann_kendall_z(series[::-1]) == pytest.approx(-mann_kendall_z(series))


@given(values, st.floats(-100, 100))
def test_slope_follows_what_is_added_a_step(series: list[float], step: float) -> None:
    tilted = [value + step * index for index, value in enumerate(series)]
    assert theil_sen(tilted)[0] == pytest.approx(theil_sen(series)[0] + step, abs=1e-5)


def test_jump_and_kink_are_found_where_they_are() -> None:
    jump = best_break([0.0] * 7 + [5.0] * 6)
    kink = best_break([0.0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5])
    assert jump is not None
    assert kink is not None
    assert jump.at == 7
    assert kink.at == 5
    assert min(jump.gain, kink.gain) > 1e6


def test_straight_or_constant_series_gain_nothing_from_a_cut() -> None:
    for series in ([3.0] * 12, [float(n) for n in range(12)], [1e9 + 1000 * n for n in range(12)]):
        cut = best_break(series)
        assert cut is not None
        assert cut.gain == 0


def test_short_series_is_not_cut() -> None:
    assert best_break([1, 2, 3, 4, 5]) is None


@given(values)
def test_cut_is_never_worse_than_the_line(series: list[float]) -> None:
    cut = best_break(series)
    assert cut is None or (cut.gain > -1e-6 * len(series) and 3 <= cut.at <= len(series) - 3)
