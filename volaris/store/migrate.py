"""Brings the schema of a database up to this version, by numbered SQL files that are each run once."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import asyncpg

from volaris.errors import MigrationError
from volaris.store.driver import is_outage, reason_of
from volaris.store.pool import Database

if TYPE_CHECKING:
    from volaris.store.pool import Connection

# Any number will do, as long as it is the same in every version and nobody else's: the ASCII of "volaris".
LOCK_KEY = int.from_bytes(b"volaris")

# How long to wait for another process that migrates, and how long one migration may take.
MIGRATION_TIMEOUT_S = 600.0

LOCK = "SELECT pg_advisory_xact_lock($1)"

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS volaris_migrations (
    number     integer     PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

APPLIED = "SELECT number, checksum FROM volaris_migrations"

RECORD = "INSERT INTO volaris_migrations (number, name, checksum) VALUES ($1, $2, $3)"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered SQL file."""

    number: int  # from 1 on, without a gap
    name: str  # of the file, without its ending: 0001_prices
    sql: str  # one or more statements, none of which ends the transaction

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the SQL, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(database: Database) -> tuple[str, ...]:
    """Apply what is missing in `database`; gives the names of what this call applied, in order.

    Any number of processes may call it at once: each step holds an advisory lock to the end of its transaction, so that
    one applies and the others wait, then find it done. What is applied stays when a later one fails.

    Raises MigrationError if the schema and this version do not fit or a migration fails, StoreUnavailable if the
    database goes away.
    """
    return await apply(database, await asyncio.to_thread(shipped_migrations))


async def apply(database: Database, migrations: Sequence[Migration]) -> tuple[str, ...]:
    """`migrate` with other migrations than those of this version."""
    applied = []
    while migration := await _apply_next(database, migrations):
        logger.info("migration %s applied", migration.name)
        applied.append(migration.name)
    return tuple(applied)


def shipped_migrations() -> tuple[Migration, ...]:
    """Return the migrations of this version, by number. Reads files."""
    found = [
        Migration(number=int(file.name[:4]), name=file.name.removesuffix(".sql"), sql=file.read_text(encoding="utf-8"))
        for file in files("volaris.store").joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    ]
    return tuple(sorted(found, key=lambda migration: migration.number))


def pending(migrations: Sequence[Migration], applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """Return those of `migrations` that are not in `applied` (number to checksum).

    Raises MigrationError if the two do not fit.
    """
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationError(
            f"the migrations must be numbered from 1 without a gap, and are {numbers}; rename the last"
        )
    if unknown := sorted(set(applied) - set(numbers)):
        raise MigrationError(
            f"the database has migration {unknown[-1]}, this version knows {len(numbers)}: "
            "a newer version has used the database; start that one, or give this one a database of its own"
        )
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"migration {migration.name} is not what was applied to the database: it was changed afterwards; "
                "put the file back as it was, and make the change in a migration with the next number"
            )
    if sorted(applied) != numbers[: len(applied)]:
        raise MigrationError(
            f"the database has migrations {sorted(applied)}, which leaves a gap: "
            "rows of volaris_migrations were removed by hand; restore them, or start from an empty database"
        )
    return tuple(migrations[len(applied) :])


async def _apply_next(database: Database, migrations: Sequence[Migration]) -> Migration | None:
    async with database.transaction() as connection:
        await connection.execute(LOCK, LOCK_KEY, timeout=MIGRATION_TIMEOUT_S)
        # After the lock: two sessions that create a table at once, IF NOT EXISTS or not, clash in the catalogue.
        await connection.execute(CREATE_TABLE)
        applied = {row["number"]: row["checksum"] for row in await connection.fetch(APPLIED)}
        waiting = pending(migrations, applied)
        if not waiting:
            return None
        await _run(connection, waiting[0])
        await connection.execute(RECORD, waiting[0].number, waiting[0].name, waiting[0].checksum)
        return waiting[0]


async def _run(connection: Connection, migration: Migration) -> None:
    try:
        await connection.execute(migration.sql, timeout=MIGRATION_TIMEOUT_S)
    except asyncpg.PostgresError as error:
        if is_outage(error):
            raise
        raise MigrationError(
            f"migration {migration.name} failed and nothing of it was kept: {reason_of(error)}"
        ) from error
