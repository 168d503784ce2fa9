"""Cboe's white paper, computed: its own example, and each of its rules at its edges."""

from __future__ import annotations

from math import exp, nan, sqrt

import pytest

from tests.unit.volaris.analytics.chains import black, ladder, mids, white_paper
from volaris.analytics.term import Term, volatility_at
from volaris.analytics.vix import strip_variance

# Three strikes around a forward of 100: the least that a strip is made of.
PUT = (90.0, 12.0, 1.0)
CENTER = (100.0, 5.0, 5.0)
CALL = (110.0, 1.0, 12.0)


def strikes_of(*rows: tuple[float, float, float]) -> int:
    strip = strip_variance(mids(*rows), years=1.0, rate=0.0)
    assert strip
    return strip.strikes


def test_the_white_papers_example_gives_its_vix() -> None:
    terms = []
    for days in (9, 37):
        quotes, rate = white_paper(days)
        strip = strip_variance(quotes, years=days / 365, rate=rate)
        assert strip
        terms.append(Term(years=days / 365, value=strip.variance))
    volatility = volatility_at(terms)
    assert volatility
    assert round(100 * volatility, 2) == 61.22


@pytest.mark.parametrize(
    ("days", "forward", "strikes", "variance"), [(9, 920.50005, 136, 0.472767), (37, 921.00039, 110, 0.366818)]
)
def test_the_examples_terms_have_the_papers_forward_center_and_variance(
    days: int, forward: float, strikes: int, variance: float
) -> None:
    quotes, rate = white_paper(days)
    strip = strip_variance(quotes, years=days / 365, rate=rate)
    assert strip
    assert (round(strip.forward, 5), strip.center, strip.strikes) == (forward, 920.0, strikes)
    assert round(strip.variance, 6) == variance


def test_a_strip_of_three_is_summed_by_hand() -> None:
    strip = strip_variance(mids(PUT, CENTER, CALL), years=0.5, rate=0.04)
    assert strip
    shares = 10 / 90**2 * 1.0 + 10 / 100**2 * 5.0 + 10 / 110**2 * 1.0
    assert strip.variance == pytest.approx(2 / 0.5 * exp(0.02) * shares, rel=1e-14)
    assert (strip.forward, strip.center, strip.strikes) == (100.0, 100.0, 3)


def test_a_center_below_the_forward_is_put_right() -> None:
    strip = strip_variance(mids(PUT, (100.0, 6.0, 5.0), CALL), years=1.0, rate=0.0)
    assert strip
    shares = 10 / 90**2 * 1.0 + 10 / 100**2 * 5.5 + 10 / 110**2 * 1.0
    assert strip.variance == pytest.approx(2 * shares - (101 / 100 - 1) ** 2, rel=1e-14)
    assert (strip.forward, strip.center) == (101.0, 100.0)


def test_strikes_of_several_distances_count_by_half_the_way_to_both_sides() -> None:
    strip = strip_variance(mids((80.0, 21.0, 0.5), (95.0, 8.0, 2.0), CENTER, (104.0, 3.0, 7.5)), years=1.0, rate=0.0)
    assert strip
    shares = 15 / 80**2 * 0.5 + 10 / 95**2 * 2.0 + 4.5 / 100**2 * 5.0 + 4 / 104**2 * 3.0
    assert strip.variance == pytest.approx(2 * shares, rel=1e-14)


def test_one_strike_without_a_bid_is_left_out_and_those_beyond_count() -> None:
    assert strikes_of((70.0, 31.0, 0.1), (80.0, 21.0, 0.0), PUT, CENTER, CALL) == 4
    assert strikes_of(PUT, CENTER, CALL, (120.0, 0.0, 21.0), (130.0, 0.1, 31.0)) == 4


def test_two_in_a_row_without_a_bid_end_the_strip() -> None:
    assert strikes_of((60.0, 41.0, 0.1), (70.0, 31.0, 0.0), (80.0, 21.0, 0.0), PUT, CENTER, CALL) == 3
    assert strikes_of(PUT, CENTER, CALL, (120.0, 0.0, 21.0), (130.0, 0.0, 31.0), (140.0, 0.1, 41.0)) == 3


def test_two_without_a_bid_that_are_apart_do_not_end_it() -> None:
    assert strikes_of(PUT, CENTER, (105.0, 0.0, 8.0), CALL, (120.0, 0.0, 21.0), (130.0, 0.1, 31.0)) == 4


def test_an_option_that_is_not_listed_is_no_option_without_a_bid() -> None:
    tail = ((130.0, 0.0, 31.0), (140.0, 0.1, 41.0))
    assert strikes_of(PUT, CENTER, CALL, (120.0, nan, 21.0), *tail) == 4


def test_a_crossed_quote_counts_as_one_without_a_bid() -> None:
    rows = ((90.0, 12.0, 12.0, 1.0, 1.0), (100.0, 5.0, 5.0, 5.0, 5.0), (110.0, 1.0, 1.0, 12.0, 12.0))
    crossed = (120.0, 0.5, 0.4, 21.0, 21.0)
    strip = strip_variance(ladder(*rows, crossed), years=1.0, rate=0.0)
    assert strip
    assert strip.strikes == 3


def test_the_center_is_where_both_are_quoted() -> None:
    strip = strip_variance(mids((80.0, 20.5, 0.5), PUT, (99.0, 0.0, 4.5), (105.0, 3.0, 7.5), CALL), years=1.0, rate=0.0)
    assert strip
    assert (strip.forward, strip.center, strip.strikes) == (100.5, 90.0, 4)


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (CENTER, CALL),
        (PUT, CENTER),
        ((90.0, 12.0, 0.0), CENTER, CALL),
        (PUT, CENTER, (110.0, 0.0, 12.0)),
        (PUT, (100.0, 5.0, 0.0), CALL, (120.0, 0.0, 21.0)),
        ((90.0, 12.0, 0.0), (100.0, 4.0, 5.0), CALL),
    ],
    ids=["nothing", "no put", "no call", "put without bid", "call without bid", "center at the end", "no center"],
)
def test_no_variance_without_a_side(rows: tuple[tuple[float, float, float], ...]) -> None:
    assert strip_variance(mids(*rows), years=1.0, rate=0.0) is None


def test_no_variance_where_the_strip_is_worth_less_than_the_centers_error() -> None:
    rows = ((49.0, 31.0, 0.01), (50.0, 30.0, 1.0), (51.0, 0.01, 0.0))
    assert strip_variance(mids(*rows), years=1.0, rate=0.0) is None


def test_a_flat_surface_gives_its_volatility() -> None:
    strikes = [50.0 + 0.25 * step for step in range(601)]
    rows = [tuple(black(100.0, at, 0.1, 0.03, 0.25, is_call=call) for call in (True, False)) for at in strikes]
    strip = strip_variance(
        mids(*((at, call, put) for at, (call, put) in zip(strikes, rows, strict=True))), years=0.1, rate=0.03
    )
    assert strip
    assert sqrt(strip.variance) == pytest.approx(0.25, abs=5e-5)
