"""Market data: one protocol per kind of data, and three sources.

May import `errors` and no other room; only the chosen source is imported. Offers the protocols, their records and
`create_source`; also `hours` (when the market trades) and `constituents`.
"""

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
