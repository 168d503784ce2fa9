"""Constant maturity: between two terms, a little beyond, and no further."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.analytics.term import Term, value_at, volatility_at


def terms(*of: tuple[float, float]) -> list[Term]:
    """From days and values."""
    return [Term(years=days / 365, value=value) for days, value in of]


def test_total_variance_is_linear_between_the_terms_around() -> None:
    volatility = volatility_at(terms((60, 0.09), (20, 0.04), (400, 1.0)))
    assert volatility == pytest.approx(sqrt((0.75 * 20 * 0.04 + 0.25 * 60 * 0.09) / 30), rel=1e-14)


def test_a_value_is_linear_in_time() -> None:
    assert value_at(terms((20, 0.1), (60, 0.5))) == pytest.approx(0.2, rel=1e-14)


def test_the_term_of_just_that_day_is_the_answer() -> None:
    assert value_at(terms((10, 5.0), (30, 0.3), (60, 9.0))) == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize(("days", "expected"), [(37.0, True), (37.1, False)])
def test_two_later_terms_do_when_the_nearer_is_within_a_week(days: float, expected: bool) -> None:
    assert (value_at(terms((days, 0.2), (60, 0.2))) is not None) is expected


@pytest.mark.parametrize(("days", "expected"), [(23.0, True), (22.9, False)])
def test_two_earlier_terms_do_when_the_nearer_is_within_a_week(days: float, expected: bool) -> None:
    assert (value_at(terms((10, 0.2), (days, 0.2))) is not None) is expected


@pytest.mark.parametrize(("days", "expected"), [(7.0, True), (6.9, False)])
def test_terms_of_less_than_a_week_do_not_count(days: float, expected: bool) -> None:
    assert (value_at(terms((days, 0.2), (31, 0.2))) is not None) is expected


@pytest.mark.parametrize("days", [(), (30,)])
def test_one_term_is_no_line(days: tuple[float, ...]) -> None:
    assert value_at(terms(*((day, 0.2) for day in days))) is None


def test_no_volatility_where_the_line_is_below_nothing() -> None:
    assert volatility_at(terms((35, 0.001), (36, 0.9))) is None


@given(
    st.floats(0.01, 4.0),
    st.lists(st.floats(7.001, 900.0), min_size=2, max_size=9, unique=True).filter(
        lambda days: min(days) <= 30 <= max(days) and len({round(day, 3) for day in days}) == len(days)
    ),
)
def test_a_flat_term_structure_stays_what_it_is(volatility: float, days: list[float]) -> None:
    assert volatility_at(terms(*((day, volatility**2) for day in days))) == pytest.approx(volatility, rel=1e-9)
