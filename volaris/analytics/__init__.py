"""Volatility from prices: pure functions over arrays, and records of their results.

May import no other room: arrays and numbers go in, records come out. Offers implied and realised volatility, the
metrics of a chain, and ranks among earlier days.
"""

from __future__ import annotations

from volaris.analytics.arrays import ChainArrays
from volaris.analytics.implied import ImpliedVolatilities, Outcome, implied_volatilities
from volaris.analytics.metrics import ExpiryMetrics, IvMetrics, PricedChain, iv_metrics, price_chain
from volaris.analytics.rank import IvRank, iv_rank
from volaris.analytics.realised import WINDOWS, BarArrays, RealisedVolatility, realised_volatility

__all__ = [
    "WINDOWS",
    "BarArrays",
    "ChainArrays",
    "ExpiryMetrics",
    "ImpliedVolatilities",
    "IvMetrics",
    "IvRank",
    "Outcome",
    "PricedChain",
    "RealisedVolatility",
    "implied_volatilities",
    "iv_metrics",
    "iv_rank",
    "price_chain",
    "realised_volatility",
]
