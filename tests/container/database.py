"""The database outside the limit: a server on the machine, whose socket the container sees, and questions about it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tests.container.engine import CannotRun, Mount
from volaris.errors import StoreError
from volaris.store import EmbeddedServer

SOCKET = ".s.PGSQL.5432"
FOLDER_IN_CONTAINER = "/run/postgres"
URL_IN_CONTAINER = f"postgresql://postgres@/postgres?host={FOLDER_IN_CONTAINER}&application_name=volaris"

TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""

# prices_1m stores a batch in one transaction, and all quotes of a batch have one time, which is a whole second.
BATCHES = "SELECT array_agg(symbol) AS symbols FROM prices GROUP BY quoted_at"

# A chain says how many contracts it has, in the transaction that brings them.
HALF_CHAINS = """
SELECT symbol FROM chains
WHERE contracts <> (
    SELECT count(*) FROM options WHERE (options.symbol, options.quoted_on) = (chains.symbol, chains.quoted_on)
)
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the database at one moment."""

    rows: dict[str, int]  # by table
    batches: tuple[frozenset[str], ...]  # the symbols that have a price of the same time, for each time
    half_chains: tuple[str, ...]  # symbols whose chain has another number of contracts than it says

    def lost_since(self, earlier: Contents) -> dict[str, int]:
        """Rows fewer than before, by table; days that are past their age do not go within minutes."""
        missing = {table: rows - self.rows.get(table, 0) for table, rows in earlier.rows.items()}
        return {table: rows for table, rows in missing.items() if rows > 0}


class OutsideDatabase:
    """A running server."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def mount(self) -> Mount:
        """The socket alone: its folder lets nobody in but the server's own user."""
        folder = parse_qs(urlsplit(self._url).query)["host"][0]
        return Mount(source=Path(folder) / SOCKET, target=f"{FOLDER_IN_CONTAINER}/{SOCKET}", is_writable=True)

    def contents(self) -> Contents:
        """Read everything that the jobs write."""
        return asyncio.run(self._contents())

    async def _contents(self) -> Contents:
        connection = await asyncpg.connect(self._url)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                tables = [row["relname"] for row in await connection.fetch(TABLES)]
                rows = {table: await connection.fetchval(f'SELECT count(*) FROM "{table}"') for table in tables}
                batches = await connection.fetch(BATCHES) if "prices" in tables else []
                half = await connection.fetch(HALF_CHAINS) if "chains" in tables else []
        finally:
            await connection.close()
        return Contents(
            rows=rows,
            batches=tuple(frozenset(row["symbols"]) for row in batches),
            half_chains=tuple(row["symbol"] for row in half),
        )


@contextmanager
def outside_database() -> Iterator[OutsideDatabase]:
    """PostgreSQL on files that are gone afterwards. Raises CannotRun where it does not start."""
    server = EmbeddedServer()
    with tempfile.TemporaryDirectory(prefix="volaris-", ignore_cleanup_errors=True) as folder:
        try:
            yield OutsideDatabase(asyncio.run(server.start(Path(folder))))
        except StoreError as error:
            raise CannotRun(f"there is no database: {error}") from error
        finally:
            asyncio.run(server.stop())
