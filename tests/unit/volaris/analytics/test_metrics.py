"""A symbol's figures from chains whose surface is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from math import exp, log, nan, sqrt

import numpy as np
import pytest

from tests.unit.volaris.analytics.chains import NEW_YORK, Row, chain_of, surface_chain
from volaris.analytics import IvMetrics, Outcome, iv_metrics, price_chain

NOW = datetime(2026, 7, 24, 15, 0, tzinfo=NEW_YORK)
EXPIRATIONS = ("2026-07-31", "2026-08-14", "2026-09-18", "2027-01-15")
STRIKES = [40.0 + step for step in range(161)]
RATE = 0.04


def flat(strike: float, years: float) -> float:
    return 0.25


def metrics_of(rows: list[Row], spot: float = 100.0) -> IvMetrics:
    return iv_metrics(chain_of(rows), spot=spot, now=NOW, rate=RATE)


def test_a_flat_surface_gives_its_volatility_everywhere() -> None:
    chain = surface_chain(flat, now=NOW, expirations=EXPIRATIONS, strikes=STRIKES, rate=RATE)
    found = iv_metrics(chain, spot=100.0, now=NOW, rate=RATE)
    assert found.atm_iv == pytest.approx(0.25, abs=1e-9)
    assert found.skew_25d == pytest.approx(0.0, abs=1e-9)
    assert found.iv30 == pytest.approx(0.25, abs=1e-3)
    assert [of.expiration for of in found.expiries] == [date.fromisoformat(day) for day in EXPIRATIONS]
    for of in found.expiries:
        assert of.forward == pytest.approx(100 * exp(0.03 * of.years), abs=1e-9)
        assert of.atm_iv == pytest.approx(0.25, abs=1e-9)
        assert of.skew_25d == pytest.approx(0.0, abs=1e-9)
        assert of.contracts == 322


def test_term_structure_and_skew_come_out_as_they_went_in() -> None:
    def falling(strike: float, years: float) -> float:
        return 0.2 + 0.1 * years - 0.15 * log(strike / 100)

    chain = surface_chain(falling, now=NOW, expirations=EXPIRATIONS, strikes=STRIKES, rate=RATE, growth=0.0)
    found = iv_metrics(chain, spot=100.0, now=NOW, rate=RATE)
    assert [of.atm_iv for of in found.expiries] == [pytest.approx(0.2 + 0.1 * of.years) for of in found.expiries]
    skews = [of.skew_25d for of in found.expiries]
    # Further out the wings are further apart in strike, and so in volatility.
    assert skews == sorted(skews, key=lambda skew: skew or 0.0)
    assert found.skew_25d is not None
    assert (skews[1] or 0.0) < found.skew_25d < (skews[2] or 0.0)
    before, after = found.expiries[1], found.expiries[2]
    share = (30 - before.days) / (after.days - before.days)
    total = (1 - share) * before.years * (before.atm_iv or 0.0) ** 2 + share * after.years * (after.atm_iv or 0.0) ** 2
    assert found.atm_iv == pytest.approx(sqrt(total * 365 / 30), rel=1e-12)
    assert found.iv30 is not None
    assert found.iv30 > sqrt(total * 365 / 30)  # the strip weighs the dear downside


def test_a_chain_of_32_bit_numbers_in_any_order_gives_the_same() -> None:
    chain = surface_chain(flat, now=NOW, expirations=EXPIRATIONS, strikes=STRIKES, rate=RATE)
    order = np.random.default_rng(3).permutation(len(chain))
    narrow = replace(
        chain,
        expiration=chain.expiration[order],
        strike=chain.strike[order].astype(np.float32),
        is_call=chain.is_call[order],
        bid=chain.bid[order].astype(np.float32),
        ask=chain.ask[order].astype(np.float32),
    )
    wide, found = (iv_metrics(each, spot=100.0, now=NOW, rate=RATE) for each in (chain, narrow))
    assert found.atm_iv == pytest.approx(wide.atm_iv, abs=1e-6)
    assert found.iv30 == pytest.approx(wide.iv30, abs=1e-6)


def test_each_contract_without_a_volatility_has_a_reason() -> None:
    later = "2026-09-18"
    rows: list[Row] = [
        ("2026-07-23", 100.0, True, 1.0, 1.1),
        (later, 100.0, True, 4.0, 4.2),
        (later, 100.0, False, 3.9, 4.1),
        (later, 90.0, True, 9.0, 9.2),
        (later, 105.0, True, 0.0, 2.0),
        (later, 106.0, True, 1.5, nan),
        (later, 107.0, True, 0.0, 0.0),
        (later, 108.0, True, 1.2, 1.1),
        (later, 109.0, True, 120.0, 121.0),
        ("2026-12-18", 180.0, False, 80.0, 81.0),
    ]
    found = metrics_of(rows)
    assert (found.contracts, found.priced) == (10, 2)
    assert found.outcomes == {
        Outcome.PRICED: 2,
        Outcome.EXPIRED: 1,
        Outcome.NO_QUOTE: 1,
        Outcome.NO_BID: 1,
        Outcome.NO_ASK: 1,
        Outcome.CROSSED: 1,
        Outcome.NO_FORWARD: 1,
        Outcome.BELOW_INTRINSIC: 1,
        Outcome.ABOVE_BOUND: 1,
    }
    assert [(of.contracts, of.priced, of.forward is None) for of in found.expiries] == [
        (1, 0, True),
        (8, 2, False),
        (1, 0, True),
    ]


def test_an_expiration_that_is_over_has_no_figures() -> None:
    chain = surface_chain(flat, now=NOW, expirations=EXPIRATIONS[:1], strikes=STRIKES, rate=RATE)
    close = datetime(2026, 7, 31, 16, 0, tzinfo=NEW_YORK)
    (of,) = iv_metrics(chain, spot=100.0, now=close, rate=RATE).expiries
    assert (of.forward, of.atm_iv, of.skew_25d, of.strip_iv) == (None, None, None, None)
    assert (of.years, of.contracts, of.priced) == (0.0, 322, 0)


def test_an_empty_chain_has_no_figures() -> None:
    found = metrics_of([])
    assert (found.contracts, found.priced, found.outcomes, found.expiries) == (0, 0, {}, ())
    assert (found.atm_iv, found.skew_25d, found.iv30) == (None, None, None)


def test_one_expiration_is_no_30_days() -> None:
    chain = surface_chain(flat, now=NOW, expirations=EXPIRATIONS[2:3], strikes=STRIKES, rate=RATE)
    found = iv_metrics(chain, spot=100.0, now=NOW, rate=RATE)
    assert found.expiries[0].atm_iv == pytest.approx(0.25, abs=1e-9)
    assert (found.atm_iv, found.skew_25d, found.iv30) == (None, None, None)


@pytest.mark.parametrize("spot", [0.0, -1.0, nan])
def test_a_spot_that_is_no_price_is_refused(spot: float) -> None:
    with pytest.raises(ValueError, match="spot must be above 0, not"):
        metrics_of([], spot=spot)


def test_days_are_years_of_365() -> None:
    chain = surface_chain(flat, now=NOW, expirations=EXPIRATIONS[:1], strikes=STRIKES, rate=RATE)
    (week,) = iv_metrics(chain, spot=100.0, now=NOW, rate=RATE).expiries
    assert week.days == pytest.approx(7 + 1 / 24, abs=1e-9)


def test_volatilities_stand_in_the_order_of_the_chain() -> None:
    chain = surface_chain(
        lambda strike, years: 0.1 + strike / 1000, now=NOW, expirations=EXPIRATIONS[:2], strikes=[90.0, 100.0, 110.0]
    )
    order = np.random.default_rng(8).permutation(len(chain))
    shuffled = replace(
        chain, **{name: getattr(chain, name)[order] for name in ("expiration", "strike", "is_call", "bid", "ask")}
    )
    priced = price_chain(shuffled, spot=100.0, now=NOW.astimezone(UTC), rate=RATE)
    np.testing.assert_allclose(priced.implied.volatility, 0.1 + shuffled.strike / 1000, atol=1e-6)
