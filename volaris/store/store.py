"""The database of a service with its repositories, which exist before the database is ready."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from volaris.errors import StoreError, StoreUnavailable
from volaris.store.bars import BarRepository
from volaris.store.constituents import ConstituentRepository
from volaris.store.embedded import EmbeddedServer
from volaris.store.metrics import MetricsRepository
from volaris.store.migrate import migrate
from volaris.store.options import OptionsRepository
from volaris.store.pool import Database
from volaris.store.prices import PriceRepository
from volaris.store.retention import Retention

if TYPE_CHECKING:
    from volaris.store.pool import Connection

logger = logging.getLogger(__name__)


class Store:
    """The repositories, over a database that may still be starting; until it is ready they raise StoreUnavailable.

    `url` is the database's address; if it is empty, an embedded server is started in `data_dir`.
    """

    def __init__(self, url: str | None, data_dir: Path) -> None:
        self._url = url
        self._data_dir = data_dir
        self._embedded = EmbeddedServer()
        self._database: Database | None = None
        self._is_open = False
        self._why_not: StoreError = StoreUnavailable("the database is being started")
        self.prices = PriceRepository(self)
        self.options = OptionsRepository(self)
        self.constituents = ConstituentRepository(self)
        self.bars = BarRepository(self)
        self.metrics = MetricsRepository(self)
        self.retention = Retention(self)

    async def open(self) -> None:
        """Start the embedded server if no address is set, connect, however long that takes, and migrate the schema.

        Raises StoreError if waiting cannot help; `ready` then raises the same error.
        """
        try:
            self._database = Database(self._url or await self._embedded.start(self._data_dir))
            await self._database.connect()
            applied = await migrate(self._database)
        except StoreError as error:
            self._why_not = error.with_traceback(None)
            raise
        self._is_open = True
        logger.info("the database is ready; migrations that were applied now: %s", ", ".join(applied) or "none")

    async def close(self) -> None:
        """Close the connections first, then the embedded server; both steps have time limits."""
        self._is_open, self._why_not = False, StoreUnavailable("the service is stopping")
        try:
            if self._database is not None:
                await self._database.close()
        finally:
            await self._embedded.stop()

    async def ready(self) -> None:
        """Return if the database answers and has the schema. Otherwise raise StoreError with the reason."""
        await self._there().ping()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Do what Database.acquire does. Raises StoreError with the reason while the database is not ready."""
        async with self._there().acquire() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Do what Database.transaction does. Raises StoreError with the reason while the database is not ready."""
        async with self._there().transaction() as connection:
            yield connection

    def _there(self) -> Database:
        if self._is_open and self._database is not None:
            return self._database
        reason = self._database.unavailable_reason if self._database is not None else None
        raise StoreUnavailable(reason) if reason else self._why_not
