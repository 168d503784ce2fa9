"""The forward: by the white paper, and by the median near the money."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.volaris.analytics.chains import black, ladder, mids
from volaris.analytics.forward import (
    STRIKES,
    Forward,
    discount,
    forward_at_least_difference,
    forward_near_the_money,
)


def test_a_dollar_is_worth_less_later() -> None:
    assert discount(0.05, 2.0) == exp(-0.1)
    assert discount(0.0, 2.0) == 1.0


def test_cboes_forward_is_read_at_the_least_difference() -> None:
    quotes = mids((90.0, 11.0, 2.0), (100.0, 5.0, 4.0), (110.0, 1.0, 11.0))
    assert forward_at_least_difference(quotes, years=0.5, rate=0.04) == pytest.approx(100 + exp(0.02), rel=1e-15)


def test_of_strikes_with_the_same_difference_the_lowest_counts() -> None:
    quotes = mids((100.0, 5.0, 4.0), (102.0, 4.0, 5.0))
    assert forward_at_least_difference(quotes, years=1.0, rate=0.0) == 101.0


def test_a_strike_with_one_side_unquoted_is_not_asked() -> None:
    quotes = ladder((90.0, 11.0, 11.0, 2.0, 2.0), (100.0, 0.0, 8.0, 4.0, 4.0), (105.0, 6.0, 5.0, 5.5, 5.5))
    assert forward_at_least_difference(quotes, years=1.0, rate=0.0) == 99.0
    assert forward_near_the_money(quotes, spot=100.0, years=1.0, rate=0.0) == Forward(price=99.0, strikes=1)


def test_no_forward_without_a_strike_that_has_both() -> None:
    quotes = mids((100.0, 5.0, 0.0), (110.0, 0.0, 11.0))
    assert forward_at_least_difference(quotes, years=1.0, rate=0.0) is None
    assert forward_near_the_money(quotes, spot=100.0, years=1.0, rate=0.0) is None
    assert forward_near_the_money(mids(), spot=100.0, years=1.0, rate=0.0) is None


@pytest.mark.parametrize(("strike", "near"), [(110.0, True), (110.01, False), (90.0, True), (89.99, False)])
def test_only_strikes_within_a_tenth_of_spot_are_asked(strike: float, near: bool) -> None:
    forward = forward_near_the_money(mids((strike, 5.0, 5.0)), spot=100.0, years=1.0, rate=0.0)
    assert forward == (Forward(price=strike, strikes=1) if near else None)


def test_a_stale_quote_does_not_move_the_forward() -> None:
    prices = {strike: 100 - strike for strike in range(92, 109)}
    rows = [(float(strike), 20.0 + difference, 20.0) for strike, difference in prices.items()]
    rows[8] = (100.0, 27.0, 20.0)
    rows[9] = (101.0, 12.0, 20.0)
    forward = forward_near_the_money(mids(*rows), spot=100.0, years=1.0, rate=0.0)
    assert forward == Forward(price=100.0, strikes=STRIKES)


def test_a_forward_that_is_no_price_is_none() -> None:
    assert forward_near_the_money(mids((95.0, 5.0, 100.0)), spot=100.0, years=1.0, rate=0.0) is None
    assert forward_near_the_money(mids((95.0, 5.0, 99.99)), spot=100.0, years=1.0, rate=0.0) is not None


@given(
    forward=st.floats(93.0, 107.0), years=st.floats(0.01, 3.0), rate=st.floats(-0.02, 0.12), sigma=st.floats(0.1, 1.5)
)
def test_prices_from_a_forward_give_it_back(forward: float, years: float, rate: float, sigma: float) -> None:
    rows = [
        (strike, *(black(forward, strike, years, rate, sigma, is_call=call) for call in (True, False)))
        for strike in (92.0, 96.0, 100.0, 104.0, 108.0)
    ]
    quotes = mids(*((strike, max(call, 1e-9), max(put, 1e-9)) for strike, call, put in rows))
    near = forward_near_the_money(quotes, spot=100.0, years=years, rate=rate)
    assert near is not None
    assert near.price == pytest.approx(forward, abs=1e-6)
    assert forward_at_least_difference(quotes, years=years, rate=rate) == pytest.approx(forward, abs=1e-6)
