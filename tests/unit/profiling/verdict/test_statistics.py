"""Slopes, trends and shapes against figures that were worked out by hand, and against what must hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.verdict.statistics import (
    CERTAIN,
    autocorrelation_factor,
    drift_z,
    falls,
    fit,
    mann_kendall_z,
    theil_sen,
    without_spikes,
)

values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)
longer = st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=30)


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


def test_slope_in_seasons_compares_values_of_one_season_only() -> None:
    saw = [100.0 * (index % 3) + 2 * index for index in range(12)]
    assert theil_sen(saw, seasons=[index % 3 for index in range(12)])[0] == 2


def test_values_that_cannot_be_compared_have_no_slope() -> None:
    for series, seasons in (([1.0], None), ([1.0, 2.0], [0, 1])):
        with pytest.raises(ValueError, match="a slope takes two values, of the same season where there are seasons"):
            theil_sen(series, seasons=seasons)


def test_trend_of_a_rising_series_is_the_textbooks() -> None:
    # n = 10, S = 45, Var = 10 * 9 * 25 / 18 = 125: z = 44 / sqrt(125).
    assert mann_kendall_z(range(10)) == pytest.approx(3.9355, abs=1e-4)
    assert mann_kendall_z(range(9, -1, -1)) == pytest.approx(-3.9355, abs=1e-4)


def test_ties_are_taken_off_the_variance() -> None:
    # S = 5, Var = (4 * 3 * 13 - 2 * 1 * 9) / 18 = 7.6667: z = 4 / sqrt(7.6667).
    assert mann_kendall_z([1, 2, 2, 3]) == pytest.approx(1.4446, abs=1e-4)
    assert mann_kendall_z([5, 5, 5, 5]) == 0


def test_seasons_scores_and_variances_add_up() -> None:
    # Two seasons of five rising values: S = 2 * 10, Var = 2 * 5 * 4 * 15 / 18 = 33.33: z = 19 / sqrt(33.33).
    saw = [100.0 * (index % 2) + index for index in range(10)]
    assert mann_kendall_z(saw, seasons=[index % 2 for index in range(10)]) == pytest.approx(3.2909, abs=1e-4)


@given(values)
def test_reversed_series_has_the_opposite_trend(series: list[float]) -> None:
    assert mann_kendall_z(series[::-1]) == pytest.approx(-mann_kendall_z(series))


@given(values, st.floats(-100, 100))
def test_slope_follows_what_is_added_a_step(series: list[float], step: float) -> None:
    tilted = [value + step * index for index, value in enumerate(series)]
    assert theil_sen(tilted)[0] == pytest.approx(theil_sen(series)[0] + step, abs=1e-5)


def test_neighbours_that_are_alike_make_a_trend_count_for_less() -> None:
    # Four high, four low, about a mean of 0: lag one 6 * 1 - 1 = 5 of 8. Twice that makes 11 - 1 ... r = 13 / 16.
    blocks = [1.0] * 8 + [-1.0] * 8
    assert autocorrelation_factor(blocks, 0.0) == pytest.approx((29 / 3) ** 0.5)
    assert autocorrelation_factor([1.0, -1.0] * 8, 0.0) == 1
    assert autocorrelation_factor([3.0 + 2 * index for index in range(16)], 2.0) == 1


def test_climb_is_measured_against_the_steps() -> None:
    # Steps 3, 1, 3, 1: mean 2, deviation 1.1547, t = 2 / (1.1547 / 2) = 3.4641 with 3 degrees of freedom.
    # Wallace: sqrt(3 * ln(1 + 12 / 3)) * 25 / 27.
    assert drift_z([0, 3, 4, 7, 8]) == pytest.approx((3 * 1.609438) ** 0.5 * 25 / 27, abs=1e-4)
    assert drift_z([8, 7, 4, 3, 0]) == pytest.approx(-drift_z([0, 3, 4, 7, 8]))
    assert drift_z([1, 2, 3, 4, 5]) == CERTAIN
    assert drift_z([5, 5, 5, 5]) == 0


def test_what_one_or_two_runs_borrow_is_cut_off() -> None:
    calm = [10.0, 11, 10, 11, 10, 11, 10, 11]
    assert without_spikes(calm) == calm
    assert without_spikes([10, 11, 10, 99, 10, 11, 10, 11]) == [10, 11, 10, 10, 10, 11, 10, 11]
    assert without_spikes([10, 11, 10, 99, 98, 11, 10, 11]) == [10, 11, 10, 11, 10, 11, 10, 11]


def test_level_that_stays_and_values_at_the_ends_are_no_spikes() -> None:
    for series in ([10.0, 11, 10, 11, 99, 98, 99, 98], [99.0, 11, 10, 11, 10, 11], [10.0, 11, 10, 11, 10, 99]):
        assert without_spikes(series) == series


def test_falls_give_back_half_of_what_rose_since_the_last() -> None:
    assert falls([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1]) == [8, 16]
    assert falls([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 8.9]) == []  # too little of the rise
    assert falls([10.0, 11, 10, 12, 9, 11, 10, 11]) == []  # noise


def test_jump_and_kink_are_found_where_they_are() -> None:
    jump = fit([0.0] * 7 + [5.0] * 6, warm_up=8)
    kink = fit([0.0, 1, 2, 3, 4, 5, 5.5, 6, 6.5, 7, 7.5, 8], warm_up=8)
    assert jump.broken_at == 7
    assert jump.jump < 1e-12
    assert kink.broken_at == 6
    assert min(jump.gain, kink.gain) > 1e6


def test_plateau_is_one_that_begins_in_time() -> None:
    series = [float(min(index, 8)) for index in range(14)]
    assert fit(series, warm_up=8).plateau < 1e-12
    assert fit(series, warm_up=7).plateau > 0.5


def test_straight_or_constant_series_gain_nothing_from_a_cut() -> None:
    for series in ([3.0] * 12, [0.0] * 12, [float(n) for n in range(12)], [1e9 + 1000 * n for n in range(12)]):
        assert fit(series, warm_up=8).gain == pytest.approx(0, abs=1e-6)


def test_residuals_are_those_of_least_squares() -> None:
    # Of 0, 0, 0, 1, 1, 1: line 1.5 - 4.5 ** 2 / 17.5; plateau over min(x, 2) = 0, 1, 2, 2, 2, 2: 1.5 - 1.5 ** 2 / 3.5.
    fits = fit([0, 0, 0, 1, 1, 1], warm_up=2)
    assert fits.line == pytest.approx(1.5 - 4.5**2 / 17.5)
    assert fits.plateau == pytest.approx(1.5 - 1.5**2 / 3.5)
    assert fits.broken < 1e-12


def test_short_series_is_not_cut() -> None:
    with pytest.raises(ValueError, match="6 values are the fewest to be cut in two"):
        fit([1, 2, 3, 4, 5], warm_up=8)


@given(longer)
def test_broken_line_is_never_worse_than_the_line_or_the_jump_at_its_place(series: list[float]) -> None:
    fits = fit(series, warm_up=8)
    assert fits.broken <= fits.line
    assert fits.gain >= 0
    assert 3 <= fits.broken_at <= len(series) - 3
