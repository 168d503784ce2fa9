"""Brings the schema of a database up to this version with numbered SQL files, each of which is run once."""

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

# Any number works if it is the same in every version and nobody else uses it: the ASCII of "volaris".
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
    sql: str  # one or more statements, which do not end the transaction

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the SQL, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(database: Database) -> tuple[str, ...]:
    """Apply the missing migrations to `database`; return the names of those that this call applied, in order.

    Several processes may call this at once: each step holds an advisory lock until its transaction ends. So one process
    applies the step, and the others wait and then find it done. Applied migrations stay if a later one fails.

    Raises:
        MigrationError: The schema does not match this version, or a migration failed.
        StoreUnavailable: The database became unavailable.
    """
    return await apply(database, await asyncio.to_thread(shipped_migrations))


async def apply(database: Database, migrations: Sequence[Migration]) -> tuple[str, ...]:
    """Do what `migrate` does, but with other migrations than those of this version."""
    applied = []
    while migration := await _apply_next(database, migrations):
        logger.info("applied the migration %s", migration.name)
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
    """Return the `migrations` that are not in `applied`, which maps numbers to checksums.

    Raises MigrationError if the two contradict each other.
    """
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationError(
            f"the migrations must be numbered from 1 without a gap, not {numbers}; rename the last one"
        )
    if unknown := sorted(set(applied) - set(numbers)):
        raise MigrationError(
            f"the database has migration {unknown[-1]}, but this version only knows {len(numbers)}: "
            "a newer version has used the database; start that version, or give this one another database"
        )
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"migration {migration.name} was changed after it was applied to the database; "
                "restore the file, and make the change in a migration with the next number"
            )
    if sorted(applied) != numbers[: len(applied)]:
        raise MigrationError(
            f"the database has migrations {sorted(applied)}, with a gap between them: "
            "rows of volaris_migrations were removed by hand; restore them, or start from an empty database"
        )
    return tuple(migrations[len(applied) :])


async def _apply_next(database: Database, migrations: Sequence[Migration]) -> Migration | None:
    async with database.transaction() as connection:
        await connection.execute(LOCK, LOCK_KEY, timeout=MIGRATION_TIMEOUT_S)
        # After the lock, because two sessions that create the same table at once collide, even with IF NOT EXISTS.
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
            f"migration {migration.name} failed, and none of its changes were kept: {reason_of(error)}"
        ) from error
