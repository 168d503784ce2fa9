"""Market data: one protocol a kind of data, three sources.

May import `errors` and no other room; only the source that is chosen is imported.
Offers the protocols, their records and `create_source`; `hours` (when the market trades) and `constituents` by module.
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
