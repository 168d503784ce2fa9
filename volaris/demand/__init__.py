"""Data on demand, between the jobs and who asks: data are fetched now, stored, and answered.

May import `jobs`, `market`, `store`, `settings` and `errors`. Offers `create_demand`, and `Demand`, which answers
questions for a quote, a chain or figures, of one symbol or of the whole index, with their `Fresh` and `Answer`.
"""

from __future__ import annotations

from volaris.demand.answers import Answer, Fresh
from volaris.demand.create import create_demand
from volaris.demand.demand import Demand, MaxAges
from volaris.demand.directory import ListedSymbol, SymbolDirectory
from volaris.demand.flights import Flights, FlightStatistics
from volaris.demand.index_data import IndexData
from volaris.demand.symbol_data import SymbolData

__all__ = [
    "Answer",
    "Demand",
    "FlightStatistics",
    "Flights",
    "Fresh",
    "IndexData",
    "ListedSymbol",
    "MaxAges",
    "SymbolData",
    "SymbolDirectory",
    "create_demand",
]
