"""Implied volatility: price to volatility and back, and for each contract without one the reason."""

from __future__ import annotations

from math import exp, inf, nan, nextafter, sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyvolr import black76

from tests.unit.volaris.analytics.chains import black
from volaris.analytics import ImpliedVolatilities, Outcome, implied_volatilities

RATE = 0.04
MODERATE = st.floats(-2.5, 2.5)  # standard deviations between strike and forward


def implied(
    bid: float,
    ask: float,
    *,
    strike: float = 100.0,
    is_call: bool = True,
    forward: float = 110.0,
    years: float = 0.5,
    rate: float = 0.0,
) -> ImpliedVolatilities:
    """Of one contract."""
    return implied_volatilities(
        strike=np.array([strike]),
        is_call=np.array([is_call]),
        bid=np.array([bid]),
        ask=np.array([ask]),
        forward=np.array([forward]),
        years=np.array([years]),
        rate=rate,
    )


def outcome(*args: float, **kwargs: float) -> Outcome:
    found = implied(*args, **kwargs)  # type: ignore[arg-type]
    assert np.isnan(found.volatility[0]) == (found.outcome[0] != Outcome.PRICED)
    return Outcome(found.outcome[0])


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        (12.0, 13.0, Outcome.PRICED),
        (12.0, 12.0, Outcome.PRICED),
        (0.0, 0.0, Outcome.NO_QUOTE),
        (nan, nan, Outcome.NO_QUOTE),
        (0.0, 13.0, Outcome.NO_BID),
        (nan, 13.0, Outcome.NO_BID),
        (-1.0, 13.0, Outcome.NO_BID),
        (12.0, 0.0, Outcome.NO_ASK),
        (12.0, nan, Outcome.NO_ASK),
        (13.0, 12.99, Outcome.CROSSED),
        (10.0, 10.0, Outcome.BELOW_INTRINSIC),
        (9.0, 10.9, Outcome.BELOW_INTRINSIC),
        (109.99, 109.99, Outcome.PRICED),
        (110.0, 110.0, Outcome.ABOVE_BOUND),
        (12.0, inf, Outcome.ABOVE_BOUND),
        (nextafter(10, 11), nextafter(10, 11), Outcome.UNSOLVED),
    ],
)
def test_a_call_has_a_volatility_or_a_reason(bid: float, ask: float, expected: Outcome) -> None:
    assert outcome(bid, ask) is expected


@pytest.mark.parametrize(
    ("mid", "expected"),
    [
        (15.0, Outcome.BELOW_INTRINSIC),
        (15.01, Outcome.PRICED),
        (124.99, Outcome.PRICED),
        (125.0, Outcome.ABOVE_BOUND),
    ],
)
def test_a_put_is_bound_by_its_strike(mid: float, expected: Outcome) -> None:
    assert outcome(mid, mid, strike=125.0, is_call=False) is expected


def test_bounds_are_discounted() -> None:
    intrinsic = 10 * exp(-0.05)
    assert outcome(intrinsic - 1e-9, intrinsic - 1e-9, rate=0.1) is Outcome.BELOW_INTRINSIC
    assert outcome(intrinsic + 1e-3, intrinsic + 1e-3, rate=0.1) is Outcome.PRICED


@pytest.mark.parametrize("years", [0.0, -0.1])
def test_an_expired_contract_says_so_first(years: float) -> None:
    assert outcome(0.0, 0.0, years=years, forward=nan) is Outcome.EXPIRED


@pytest.mark.parametrize("forward", [nan, 0.0, -5.0])
def test_without_a_forward_there_is_none(forward: float) -> None:
    assert outcome(12.0, 13.0, forward=forward) is Outcome.NO_FORWARD
    assert outcome(0.0, 13.0, forward=forward) is Outcome.NO_BID


def test_outcomes_are_counted_and_those_of_none_left_out() -> None:
    ones = np.ones(4)
    found = implied_volatilities(
        strike=100 * ones,
        is_call=np.array([True, False, True, True]),
        bid=np.array([12.0, 2.0, 0.0, 0.0]),
        ask=np.array([13.0, 2.1, 0.0, 0.0]),
        forward=110 * ones,
        years=ones,
        rate=RATE,
    )
    assert found.counts() == {Outcome.PRICED: 2, Outcome.NO_QUOTE: 2}


def test_no_contracts_have_no_volatilities() -> None:
    none = np.array([], dtype=np.float64)
    found = implied_volatilities(
        strike=none, is_call=none.astype(np.bool_), bid=none, ask=none, forward=none, years=none, rate=RATE
    )
    assert (len(found.volatility), len(found.outcome), found.counts()) == (0, 0, {})


@given(volatility=st.floats(0.03, 3.0), years=st.floats(1 / 365, 3.0), deviations=MODERATE, call=st.booleans())
def test_a_price_gives_back_the_volatility_it_was_made_with(
    volatility: float, years: float, deviations: float, call: bool
) -> None:
    strike = 100 * exp(deviations * volatility * sqrt(years))
    # Out of the money: in the money a price of doubles has fewer digits left for its time value.
    is_call = strike >= 100 if strike != 100 else call
    price = black(100.0, strike, years, RATE, volatility, is_call=is_call)
    found = implied(price, price, strike=strike, is_call=is_call, forward=100.0, years=years, rate=RATE)
    assert found.volatility[0] == pytest.approx(volatility, rel=1e-7)


QUOTES = st.one_of(st.just(0.0), st.just(nan), st.floats(0.01, 500.0))


@given(
    bid=QUOTES,
    ask=QUOTES,
    strike=st.floats(1.0, 1000.0),
    is_call=st.booleans(),
    forward=st.one_of(st.just(nan), st.floats(1.0, 1000.0)),
    years=st.floats(-0.01, 3.0),
)
@example(bid=1e-300, ask=1e-300, strike=200.0, is_call=True, forward=100.0, years=0.01)
@example(bid=5.0, ask=5.0, strike=100.0, is_call=True, forward=100.0, years=1e-12)
def test_whatever_is_quoted_prices_back_or_has_a_reason(
    bid: float, ask: float, strike: float, is_call: bool, forward: float, years: float
) -> None:
    found = implied(bid, ask, strike=strike, is_call=is_call, forward=forward, years=years, rate=RATE)
    volatility, why = found.volatility[0], found.outcome[0]
    if why != Outcome.PRICED:
        assert np.isnan(volatility)
    else:
        price = black76.price("c" if is_call else "p", forward, strike, years, RATE, volatility)
        assert price == pytest.approx((bid + ask) / 2, abs=1e-6)
