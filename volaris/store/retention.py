"""Drops data that are too old, one day's partition at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from volaris.store.pool import Connections

# Dropping a partition locks its table, and everybody who comes later waits behind the waiting lock. An export may read
# for minutes. Then this gives up, and the next run drops the day.
WAIT_FOR_LOCK = "SET LOCAL lock_timeout = '2s'"

DROP_PRICES = "SELECT volaris_drop_partition('prices', $1)"
DROP_OPTIONS = "SELECT volaris_drop_partition('options', $1)"

DELETE_CHAINS = "DELETE FROM chains WHERE quoted_on < $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The days that were dropped, ascending."""

    prices: tuple[date, ...]
    options: tuple[date, ...]


class Retention:
    """Drops days of prices and chains in the database. Bars and volatility figures are kept for ever."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def drop(self, *, prices_before: date, options_before: date) -> Dropped:
        """Drop the daily partitions before the given days (UTC), each in its own transaction.

        Prices and contracts from before 2020 share one partition and are kept; chain headers are deleted by their date
        alone. Partitions that were dropped before an error stay dropped.

        Raises:
            StoreError: Somebody reads the table for more than two seconds.
            StoreUnavailable: The database is or becomes unavailable.
        """
        prices = await self._drop_days(DROP_PRICES, prices_before)
        # The headers first: a header without its contracts would look like an incomplete chain.
        async with self._database.acquire() as connection:
            await connection.execute(DELETE_CHAINS, options_before)
        options = await self._drop_days(DROP_OPTIONS, options_before)
        return Dropped(prices=prices, options=options)

    async def _drop_days(self, statement: str, before: date) -> tuple[date, ...]:
        dropped: list[date] = []
        while True:
            async with self._database.transaction() as connection:
                await connection.execute(WAIT_FOR_LOCK)
                day: date | None = await connection.fetchval(statement, before)
            if day is None:
                return tuple(dropped)
            dropped.append(day)
