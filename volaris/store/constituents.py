"""The table of the index's members: today's list is written, and members that have left are marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from volaris.store.driver import translate_copy_errors
from volaris.store.pool import Connections

COLUMNS = ("symbol", "name", "sector", "since")

CREATE_INCOMING = """
CREATE TEMPORARY TABLE incoming_constituents ON COMMIT DROP AS
SELECT symbol, name, sector, since FROM constituents LIMIT 0
"""

# One writer at a time, so that two lists do not mark each other's members as left; readers are not blocked.
LOCK = "LOCK TABLE constituents IN SHARE ROW EXCLUSIVE MODE"

MARK_LEAVERS = """
UPDATE constituents SET left_at = $1
WHERE left_at IS NULL AND NOT EXISTS (SELECT FROM incoming_constituents AS i WHERE i.symbol = constituents.symbol)
"""

UPSERT = """
INSERT INTO constituents AS kept (symbol, name, sector, since)
SELECT symbol, name, sector, since FROM incoming_constituents
ON CONFLICT (symbol) DO UPDATE
SET name = excluded.name, sector = excluded.sector, since = excluded.since, left_at = NULL
WHERE (kept.name, kept.sector, kept.since, kept.left_at)
    IS DISTINCT FROM (excluded.name, excluded.sector, excluded.since, NULL)
"""

ALL = "SELECT symbol, name, sector, since, left_at FROM constituents ORDER BY symbol"

MEMBERS = "SELECT symbol, name, sector, since, left_at FROM constituents WHERE left_at IS NULL ORDER BY symbol"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstituentRow:
    """A member of the index, or a former member; the symbol is the key."""

    symbol: str
    name: str  # of the company
    sector: str | None
    since: date | None  # the day when it joined the index
    # with time zone; when it was found missing. Set by `replace`, and not read from its argument
    left_at: datetime | None = None


class ConstituentRepository:
    """The members of the index in the database."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def replace(self, members: Sequence[ConstituentRow], at: datetime) -> int:
        """Store these members in one transaction: add new ones, update changed ones, mark missing ones as left at `at`.

        A member that comes back is a member again. Return how many were marked. Raises StoreUnavailable if the database
        is or becomes unavailable, and StoreError if it refuses a value or if a symbol occurs twice.
        """
        records = [(row.symbol, row.name, row.sector, row.since) for row in members]
        async with self._database.transaction() as connection:
            await connection.execute(CREATE_INCOMING)
            with translate_copy_errors():
                await connection.copy_records_to_table("incoming_constituents", records=records, columns=COLUMNS)
            await connection.execute(LOCK)
            marked = await connection.execute(MARK_LEAVERS, at)
            await connection.execute(UPSERT)
        return int(marked.removeprefix("UPDATE "))

    async def members(self) -> list[ConstituentRow]:
        """Return all current members, sorted by symbol."""
        async with self._database.acquire() as connection:
            return [ConstituentRow(**row) for row in await connection.fetch(MEMBERS)]

    async def all(self) -> list[ConstituentRow]:
        """Return all current and former members, sorted by symbol."""
        async with self._database.acquire() as connection:
            return [ConstituentRow(**row) for row in await connection.fetch(ALL)]
