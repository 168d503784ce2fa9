"""A store over a database without rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from volaris.store import Store


@pytest_asyncio.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store that is ready."""
    store = Store(database_url, tmp_path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
