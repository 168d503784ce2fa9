"""Storage: a pool of connections to PostgreSQL, its schema, and one repository per table.

May import `errors` and no other room. Offers `Store`, which opens and closes everything, and each repository with its
records.
"""

from __future__ import annotations

from volaris.store.bars import BarRepository, BarRows
from volaris.store.constituents import ConstituentRepository, ConstituentRow
from volaris.store.embedded import EmbeddedServer
from volaris.store.metrics import MetricsRepository, MetricsRow, RankedBy, TermRow
from volaris.store.migrate import migrate
from volaris.store.options import ChainHeader, ChainRows, ContractFilter, ContractKey, ContractRow, OptionsRepository
from volaris.store.pool import Database
from volaris.store.prices import PriceKey, PriceRepository, PriceRow
from volaris.store.retention import Dropped, Retention
from volaris.store.statistics import PoolStatistics
from volaris.store.store import Store

__all__ = [
    "BarRepository",
    "BarRows",
    "ChainHeader",
    "ChainRows",
    "ConstituentRepository",
    "ConstituentRow",
    "ContractFilter",
    "ContractKey",
    "ContractRow",
    "Database",
    "Dropped",
    "EmbeddedServer",
    "MetricsRepository",
    "MetricsRow",
    "OptionsRepository",
    "PoolStatistics",
    "PriceKey",
    "PriceRepository",
    "PriceRow",
    "RankedBy",
    "Retention",
    "Store",
    "TermRow",
    "migrate",
]
