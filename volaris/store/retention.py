"""What is past its age goes, a day's partition at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from volaris.store.pool import Connections

# Dropping a partition locks its table against everybody, and whoever comes later waits behind the one that waits for
# the lock. An export may read for minutes; then this gives up, and the next run drops the day.
WAIT_FOR_LOCK = "SET LOCAL lock_timeout = '2s'"

DROP_PRICES = "SELECT volaris_drop_partition('prices', $1)"
DROP_OPTIONS = "SELECT volaris_drop_partition('options', $1)"

DELETE_CHAINS = "DELETE FROM chains WHERE quoted_on < $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The days that went, ascending."""

    prices: tuple[date, ...]
    options: tuple[date, ...]


class Retention:
    """Lets go of the days of prices and chains in a database. Bars and volatility figures stay."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def drop(self, *, prices_before: date, options_before: date) -> Dropped:
        """Drop the days (UTC) before these, each in a transaction of its own.

        Prices and contracts from before 2020 share one partition and stay; the heads of chains go by their date.

        Raises:
            StoreError: Somebody reads for more than two seconds.
            StoreUnavailable: The database is away or goes away. What was dropped before that is gone.
        """
        prices = await self._drop_days(DROP_PRICES, prices_before)
        # The heads first: a head without contracts would be a chain that is not whole.
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
