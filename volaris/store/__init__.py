"""Where data is kept: a pool of connections to PostgreSQL, its schema, and one repository a table."""

from __future__ import annotations

from volaris.store.embedded import EmbeddedServer
from volaris.store.migrate import migrate
from volaris.store.pool import Database
from volaris.store.prices import PriceRepository, PriceRow
from volaris.store.statistics import PoolStatistics

__all__ = ["Database", "EmbeddedServer", "PoolStatistics", "PriceRepository", "PriceRow", "migrate"]
