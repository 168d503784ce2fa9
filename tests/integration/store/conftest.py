"""What the tests of the store share: a database behind a proxy, and rows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.integration.store.proxy import Proxy


@pytest_asyncio.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    """A way to the database that can be cut; all is gone from it when the test ends."""
    async with Proxy(database_url) as proxy:
        yield proxy
