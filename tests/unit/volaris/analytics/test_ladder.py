"""Chains as ladders: calls beside puts, whatever the order of the rows."""

from __future__ import annotations

import random
from math import inf, nan

import numpy as np
import pytest

from tests.unit.volaris.analytics.chains import Row, chain_of
from volaris.analytics import ChainArrays
from volaris.analytics.ladder import ladders_of

ROWS: list[Row] = [
    ("2026-08-21", 90.0, False, 1.0, 1.2),
    ("2026-08-21", 90.0, True, 10.0, 12.0),
    ("2026-08-21", 100.0, True, 4.0, 5.0),
    ("2026-09-18", 95.0, False, 3.0, 3.5),
    ("2026-09-18", 95.0, True, 7.0, 6.0),
    ("2026-09-18", 100.0, True, nan, 2.0),
]


def test_calls_and_puts_of_a_strike_stand_side_by_side() -> None:
    august, september = ladders_of(chain_of(ROWS)).ladders
    assert august.strike.tolist() == [90.0, 100.0]
    assert august.call.mid.tolist() == [11.0, 4.5]
    np.testing.assert_array_equal(august.put.mid, [1.1, nan])
    np.testing.assert_array_equal(august.difference, [9.9, nan])
    assert september.strike.tolist() == [95.0, 100.0]
    assert september.put.listed.tolist() == [True, False]


def test_a_crossed_quote_and_one_without_a_bid_are_none_and_what_is_not_listed_neither() -> None:
    _, september = ladders_of(chain_of(ROWS)).ladders
    assert september.call.quoted.tolist() == [False, False]
    assert september.call.listed.tolist() == [True, True]
    assert september.put.quoted.tolist() == [True, False]
    assert np.isnan(september.difference).all()


@pytest.mark.parametrize("missing", [nan, inf])
def test_a_price_that_is_left_out_is_none(missing: float) -> None:
    (ladder,) = ladders_of(chain_of([("2026-08-21", 90.0, True, 1.0, missing)])).ladders
    assert (ladder.call.listed.tolist(), ladder.call.quoted.tolist()) == ([True], [False])


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = random.Random(5).sample(ROWS, len(ROWS))
    for here, there in zip(ladders_of(chain_of(ROWS)).ladders, ladders_of(chain_of(shuffled)).ladders, strict=True):
        np.testing.assert_array_equal(here.strike, there.strike)
        np.testing.assert_array_equal(here.call.mid, there.call.mid)
        np.testing.assert_array_equal(here.difference, there.difference)


def test_figures_of_contracts_are_found_in_their_rows() -> None:
    shuffled = random.Random(7).sample(ROWS, len(ROWS))
    chain = chain_of(shuffled)
    ladders = ladders_of(chain)
    strike = chain.strike.astype(np.float64)
    calls, puts = ladders.spread_out(strike, chain.is_call), ladders.spread_out(strike, ~chain.is_call)
    assert [calls[rows].tolist() for rows in ladders.rows] == [[90.0, 100.0], [95.0, 100.0]]
    np.testing.assert_array_equal(puts, [90.0, nan, 95.0, nan])


def test_a_strike_of_two_expirations_has_a_row_in_each() -> None:
    rows: list[Row] = [("2026-08-21", 100.0, True, 4.0, 5.0), ("2026-09-18", 100.0, True, 6.0, 7.0)]
    assert [ladder.call.mid.tolist() for ladder in ladders_of(chain_of(rows)).ladders] == [[4.5], [6.5]]


def test_a_contract_that_stands_twice_is_taken_once() -> None:
    (ladder,) = ladders_of(chain_of([ROWS[0], ROWS[0], ROWS[1]])).ladders
    assert (ladder.strike.tolist(), ladder.put.mid.tolist()) == ([90.0], [1.1])


def test_an_empty_chain_has_no_ladders() -> None:
    assert ladders_of(chain_of([])).ladders == ()


def test_columns_of_several_lengths_are_refused() -> None:
    chain = chain_of(ROWS)
    with pytest.raises(
        ValueError, match=r"have the same length, but they are expiration \(6,\), strike \(6,\), .* ask \(5,\)"
    ):
        ChainArrays(
            expiration=chain.expiration, strike=chain.strike, is_call=chain.is_call, bid=chain.bid, ask=chain.ask[:5]
        )


@pytest.mark.parametrize("strike", [0.0, -1.0, nan])
def test_a_strike_that_is_no_price_is_refused(strike: float) -> None:
    with pytest.raises(ValueError, match="every strike must be above 0, but one in this chain is not"):
        chain_of([("2026-08-21", strike, True, 1.0, 2.0)])
