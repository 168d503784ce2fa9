"""Real chains: each contract has a volatility that prices back to its mid, or a reason; and Cboe's own are close."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from pyvolr import black76

from tests.unit.volaris.analytics.chains import NEW_YORK, clorox, microsoft
from volaris.analytics import ChainArrays, Outcome, PricedChain, iv_metrics, price_chain

MSFT_SPOT, MSFT_CLOSE, MSFT_RATE = 342.97, datetime(2021, 11, 22, 16, 0, tzinfo=NEW_YORK), 0.005
CLX_SPOT, CLX_CLOSE, CLX_RATE = 95.55, datetime(2026, 7, 24, 15, 59, 59, tzinfo=NEW_YORK), 0.04


def farthest_from_mid(chain: ChainArrays, priced: PricedChain, rate: float) -> float:
    """How far, in dollars, volatilities price from what was quoted at most."""
    there = priced.implied.outcome == Outcome.PRICED
    forwards = np.array([np.nan if of is None else of.price for of in priced.forwards])[priced.ladders.expiration_of]
    back = black76.price(
        np.where(chain.is_call, 1, -1)[there],
        forwards[there],
        chain.strike[there],
        priced.years[priced.ladders.expiration_of][there],
        rate,
        priced.implied.volatility[there],
    )
    return float(np.abs(back - (chain.bid + chain.ask)[there] / 2).max())


def test_each_of_microsofts_contracts_has_a_volatility_or_a_reason() -> None:
    chain = microsoft()
    priced = price_chain(chain, spot=MSFT_SPOT, now=MSFT_CLOSE, rate=MSFT_RATE)
    assert priced.implied.counts() == {Outcome.PRICED: 1829, Outcome.NO_BID: 84, Outcome.BELOW_INTRINSIC: 82}
    assert (np.isnan(priced.implied.volatility) == (priced.implied.outcome != Outcome.PRICED)).all()
    assert farthest_from_mid(chain, priced, MSFT_RATE) < 1e-6


def test_what_microsoft_has_below_intrinsic_is_in_the_money() -> None:
    chain = microsoft()
    priced = price_chain(chain, spot=MSFT_SPOT, now=MSFT_CLOSE, rate=MSFT_RATE)
    below = priced.implied.outcome == Outcome.BELOW_INTRINSIC
    calls, puts = chain.strike[below & chain.is_call], chain.strike[below & ~chain.is_call]
    assert (len(calls), len(puts)) == (71, 11)
    assert calls.max() < MSFT_SPOT < puts.min()


def test_a_minute_after_their_close_microsofts_first_contracts_have_expired() -> None:
    chain = microsoft()
    later = MSFT_CLOSE + timedelta(days=4, minutes=1)
    counts = price_chain(chain, spot=MSFT_SPOT, now=later, rate=MSFT_RATE).implied.counts()
    assert counts[Outcome.EXPIRED] == 129
    assert sum(counts.values()) == 1995


def test_microsofts_figures_are_those_of_that_day() -> None:
    found = iv_metrics(microsoft(), spot=MSFT_SPOT, now=MSFT_CLOSE, rate=MSFT_RATE)
    assert (found.contracts, found.priced, len(found.expiries)) == (1995, 1829, 17)
    assert found.atm_iv == pytest.approx(0.2101, abs=1e-4)
    assert found.skew_25d == pytest.approx(0.0301, abs=1e-4)
    assert found.iv30 == pytest.approx(0.2507, abs=1e-4)
    assert all(of.forward and of.atm_iv and of.skew_25d and of.strip_iv for of in found.expiries)
    assert all(of.forward and abs(of.forward / MSFT_SPOT - 1) < 0.013 for of in found.expiries)


def test_cloroxs_volatilities_are_close_to_the_feeds_own() -> None:
    chain, feed = clorox()
    priced = price_chain(chain, spot=CLX_SPOT, now=CLX_CLOSE, rate=CLX_RATE)
    both = ~np.isnan(priced.implied.volatility) & (feed > 0)
    assert both.sum() == 20
    apart = np.abs(priced.implied.volatility - feed)[both]
    assert np.median(apart) < 0.02
    out_of_the_money = np.abs(priced.implied.volatility - feed)[both & (chain.is_call == (chain.strike > CLX_SPOT))]
    assert np.median(out_of_the_money) < 0.002
    assert farthest_from_mid(chain, priced, CLX_RATE) < 1e-6


def test_each_of_cloroxs_contracts_without_one_says_why() -> None:
    chain, _ = clorox()
    priced = price_chain(chain, spot=CLX_SPOT, now=CLX_CLOSE, rate=CLX_RATE)
    assert priced.implied.counts() == {
        Outcome.PRICED: 21,
        Outcome.NO_BID: 2,
        Outcome.NO_FORWARD: 3,  # of 2028: nothing near the money
        Outcome.BELOW_INTRINSIC: 1,
    }
