"""Volatility at the money and the skew of the wings."""

from __future__ import annotations

from math import exp, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.volaris.analytics.chains import mids
from volaris.analytics.smile import Smile, at_the_money, skew_25d, smile_of

YEARS = 0.25


def smile(*points: tuple[float, float], forward: float = 100.0) -> Smile:
    """From strikes and volatilities."""
    strike, volatility = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return Smile(forward=forward, years=YEARS, strike=strike, volatility=volatility)


def strike_with_delta(delta: float, volatility: float) -> float:
    """Of a call, whose put has delta - 1; forward 100."""
    deviation = volatility * sqrt(YEARS)
    return 100 * exp(-NormalDist().inv_cdf(delta) * deviation + deviation**2 / 2)


def test_puts_are_taken_below_the_forward_and_calls_from_it_on() -> None:
    quotes = mids((90.0, 1.0, 1.0), (100.0, 1.0, 1.0), (110.0, 1.0, 1.0), (120.0, 1.0, 1.0))
    calls, puts = np.array([0.9, 0.2, 0.3, np.nan]), np.array([0.1, 0.9, 0.9, 0.9])
    made = smile_of(quotes, calls, puts, forward=100.0, years=YEARS)
    assert made.strike.tolist() == [90.0, 100.0, 110.0]
    assert made.volatility.tolist() == [0.1, 0.2, 0.3]


def test_at_the_money_lies_between_the_strikes_around() -> None:
    assert at_the_money(smile((96.0, 0.30), (104.0, 0.20), forward=98.0)) == pytest.approx(0.275, rel=1e-14)


def test_a_strike_at_the_forward_is_at_the_money() -> None:
    assert at_the_money(smile((80.0, 0.5), (100.0, 0.21), (120.0, 0.5))) == 0.21
    assert at_the_money(smile((100.0, 0.21))) == 0.21


@pytest.mark.parametrize("points", [(), ((99.0, 0.2),), ((101.0, 0.2),), ((101.0, 0.2), (102.0, 0.2))])
def test_nothing_is_at_the_money_on_one_side_of_it(points: tuple[tuple[float, float], ...]) -> None:
    assert at_the_money(smile(*points)) is None


@pytest.mark.parametrize(("low", "high", "near"), [(90, 110, True), (89.9, 101, False), (99, 110.1, False)])
def test_strikes_a_tenth_away_are_not_at_the_money(low: float, high: float, near: bool) -> None:
    assert (at_the_money(smile((low, 0.2), (high, 0.2))) is not None) is near


def test_skew_is_read_where_a_strike_has_the_delta() -> None:
    put, call = strike_with_delta(0.75, 0.30), strike_with_delta(0.25, 0.22)
    points = ((70.0, 0.4), (put, 0.30), (100.0, 0.25), (call, 0.22), (150.0, 0.2))
    assert skew_25d(smile(*points)) == pytest.approx(0.08, abs=1e-12)


@pytest.mark.parametrize("delta", [0.2499, 0.2501])
def test_skew_is_none_where_the_smile_does_not_reach(delta: float) -> None:
    put, call = strike_with_delta(0.8, 0.25), strike_with_delta(delta, 0.25)
    found = skew_25d(smile((put, 0.25), (100.0, 0.25), (call, 0.25)))
    assert (found is None) is (delta > 0.25)
    mirrored = skew_25d(
        smile((strike_with_delta(1 - delta, 0.25), 0.25), (100.0, 0.25), (strike_with_delta(0.2, 0.25), 0.25))
    )
    assert (mirrored is None) is (delta > 0.25)


def test_skew_is_none_where_there_is_one_wing_or_nothing() -> None:
    assert skew_25d(smile()) is None
    assert skew_25d(smile((130.0, 0.2))) is None
    assert skew_25d(smile((70.0, 0.2))) is None


@given(volatility=st.floats(0.05, 2.0), step=st.floats(0.5, 10.0))
def test_a_flat_smile_has_no_skew(volatility: float, step: float) -> None:
    strikes = np.arange(2.0, 1200.0, step)
    assert skew_25d(smile(*((strike, volatility) for strike in strikes))) == pytest.approx(0.0, abs=1e-12)
    assert at_the_money(smile(*((strike, volatility) for strike in strikes))) == pytest.approx(volatility, rel=1e-12)


@given(slope=st.floats(-0.3, -0.01))
def test_a_smile_that_falls_has_a_skew_above_nothing(slope: float) -> None:
    found = skew_25d(smile(*((float(strike), 0.4 + slope * np.log(strike / 100)) for strike in range(40, 260, 2))))
    assert found is not None
    assert found > 0
