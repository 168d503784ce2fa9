"""Market data: one protocol, three sources."""

from __future__ import annotations

from volaris.market.records import Quote, Symbol
from volaris.market.source import SOURCES, Source, create_source

__all__ = ["SOURCES", "Quote", "Source", "Symbol", "create_source"]
