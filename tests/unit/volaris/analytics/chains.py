"""Chains and ladders with known answers, and the real ones beside the checkout."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from tests.shared import shared_file
from volaris.analytics import ChainArrays
from volaris.analytics.arrays import Floats
from volaris.analytics.ladder import Ladder, ladder_of

NEW_YORK = ZoneInfo("America/New_York")

# A row of a chain: expiration, strike, whether a call, bid, ask.
Row = tuple[str, float, bool, float, float]


def black(forward: float, strike: float, years: float, rate: float, volatility: float, *, is_call: bool) -> float:
    """The price by Black's formula, written down again without the library that the analytics use."""
    deviation = volatility * sqrt(years)
    d1 = log(forward / strike) / deviation + deviation / 2
    sign = 1 if is_call else -1
    normal = NormalDist().cdf
    return exp(-rate * years) * sign * (forward * normal(sign * d1) - strike * normal(sign * (d1 - deviation)))


def chain_of(rows: Sequence[Row]) -> ChainArrays:
    """A chain from its rows."""
    return ChainArrays(
        expiration=np.array([row[0] for row in rows], dtype="datetime64[D]"),
        strike=np.array([row[1] for row in rows], dtype=np.float64),
        is_call=np.array([row[2] for row in rows], dtype=np.bool_),
        bid=np.array([row[3] for row in rows], dtype=np.float64),
        ask=np.array([row[4] for row in rows], dtype=np.float64),
    )


def surface_chain(
    volatility: Callable[[float, float], float],
    *,
    now: datetime,
    expirations: Sequence[str],
    strikes: Sequence[float],
    spot: float = 100.0,
    rate: float = 0.04,
    growth: float = 0.03,
) -> ChainArrays:
    """A chain without spreads, from a volatility by strike and years; the forward is spot × exp(growth × years)."""
    rows: list[Row] = []
    for expiration in expirations:
        close = datetime.fromisoformat(f"{expiration}T16:00").replace(tzinfo=NEW_YORK)
        years = (close.timestamp() - now.timestamp()) / (365 * 86_400)
        for strike in strikes:
            for is_call in (False, True):
                of = volatility(strike, years)
                price = black(spot * exp(growth * years), strike, years, rate, of, is_call=is_call)
                rows.append((expiration, strike, is_call, price, price))
    return chain_of(rows)


def ladder(*rows: tuple[float, float, float, float, float]) -> Ladder:
    """A ladder from rows of strike, call bid, call ask, put bid, put ask."""
    columns: Floats = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    names = ("strike", "call_bid", "call_ask", "put_bid", "put_ask")
    return ladder_of(**dict(zip(names, columns, strict=True)))


def mids(*rows: tuple[float, float, float]) -> Ladder:
    """A ladder without spreads, from rows of strike, call, put; 0 for nobody bids, NaN for not listed."""
    return ladder(*((strike, call, call, put, put) for strike, call, put in rows))


def white_paper(days: int) -> tuple[Ladder, float]:
    """The quotes of the appendix to Cboe's white paper that expire in `days`, and the rate a year."""
    with shared_file("vix/options.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Days"] == str(days)]
    with shared_file("vix/yields.csv").open(newline="") as file:
        (percent,) = [row["Rate"] for row in csv.DictReader(file) if row["Days"] == str(days)]
    names = ("Strike", "Call Bid", "Call Ask", "Put Bid", "Put Ask")
    strike, call_bid, call_ask, put_bid, put_ask = ([float(row[name]) for row in rows] for name in names)
    return ladder(*zip(strike, call_bid, call_ask, put_bid, put_ask, strict=True)), float(percent) / 100


def microsoft() -> ChainArrays:
    """MSFT's real chain of 2021-11-22: 1 995 contracts, spot 342.97."""
    with shared_file("chains/MSFT-2021-11-22.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return chain_of(
        [
            (row["Expiration"], float(row["Strike"]), row["Type"] == "call", float(row["Bid"]), float(row["Ask"]))
            for row in rows
        ]
    )


def clorox() -> tuple[ChainArrays, Floats]:
    """CLX's real contracts of 2026-07-24, spot 95.55, and the feed's own volatilities, 0 for none."""
    document: Any = orjson.loads(shared_file("cboe/CLX.json").read_bytes())
    options = document["data"]["options"]
    return chain_of([_cboe_row(option) for option in options]), np.array([option["iv"] for option in options])


def _cboe_row(option: dict[str, Any]) -> Row:
    match = re.fullmatch(r"CLX(\d\d)(\d\d)(\d\d)([CP])(\d{8})", option["option"])
    assert match
    year, month, day, kind, thousandths = match.groups()
    expiration = date(2000 + int(year), int(month), int(day)).isoformat()
    return (expiration, int(thousandths) / 1000, kind == "C", option["bid"], option["ask"])
