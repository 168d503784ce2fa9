"""Market data: one protocol a kind of data, three sources."""

from __future__ import annotations

from volaris.market.records import Chain, ChainBounds, Constituent, DailyBars, Quote, Symbol
from volaris.market.source import (
    SOURCES,
    BarSource,
    ChainSource,
    ConstituentSource,
    QuoteSource,
    Source,
    create_source,
)

__all__ = [
    "SOURCES",
    "BarSource",
    "Chain",
    "ChainBounds",
    "ChainSource",
    "Constituent",
    "ConstituentSource",
    "DailyBars",
    "Quote",
    "QuoteSource",
    "Source",
    "Symbol",
    "create_source",
]
