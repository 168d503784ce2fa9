"""Quarters and trends, against figures that were worked out by hand."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.verdict.statistics import mann_kendall_z, mean, median, middle, quarter_means, quarters

values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(st.integers(0, 600))
def test_quarters_are_all_of_a_series_in_order_and_nearly_equal(length: int) -> None:
    parts = quarters(length)
    assert [index for part in parts for index in part] == list(range(length))
    sizes = [len(part) for part in parts]
    assert len(sizes) == 4
    assert max(sizes) - min(sizes) <= 1


def test_quarters_of_ten_take_two_three_two_and_three() -> None:
    assert quarters(10) == [range(2), range(2, 5), range(5, 7), range(7, 10)]


def test_means_are_those_of_the_quarters() -> None:
    assert quarter_means([1, 3, 5, 7, 9, 11, 13, 15]) == [2, 6, 10, 14]
    assert quarter_means([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) == [2, 7, 12, 17]


def test_fewer_than_four_values_have_no_quarters() -> None:
    assert quarter_means([1, 2, 3, 4]) == [1, 2, 3, 4]
    with pytest.raises(ZeroDivisionError):
        quarter_means([1, 2, 3])


def test_middle_leaves_out_the_highest_and_the_lowest() -> None:
    assert middle([4, 1_000, 6, -1_000]) == 5
    assert middle([7, 7, 7, 7]) == 7


def test_trend_of_a_rising_series_is_the_textbooks() -> None:
    # n = 10, S = 45, Var = 10 * 9 * 25 / 18 = 125: z = 44 / sqrt(125).
    assert mann_kendall_z(range(10)) == pytest.approx(3.9355, abs=1e-4)
    assert mann_kendall_z(range(9, -1, -1)) == pytest.approx(-3.9355, abs=1e-4)


def test_ties_count_for_neither_side() -> None:
    # S = 5, Var = 4 * 3 * 13 / 18 = 8.6667: z = 4 / sqrt(8.6667).
    assert mann_kendall_z([1, 2, 2, 3]) == pytest.approx(1.3587, abs=1e-4)
    assert mann_kendall_z([5, 5, 5, 5]) == 0


def test_one_value_has_no_trend() -> None:
    assert mann_kendall_z([3]) == 0
    assert mann_kendall_z([]) == 0


@given(values)
def test_reversed_series_has_the_opposite_trend(series: list[float]) -> None:
    assert mann_kendall_z(series[::-1]) == pytest.approx(-mann_kendall_z(series))


@given(values)
def test_mean_and_median_are_the_standard_librarys(series: list[float]) -> None:
    assert mean(series) == pytest.approx(statistics.fmean(series))
    assert median(series) == statistics.median(series)


def test_no_values_have_no_mean_and_no_median() -> None:
    with pytest.raises(ZeroDivisionError):
        mean([])
    with pytest.raises(IndexError):
        median([])
