"""The whole service on a port of its own, with a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.integration.store.proxy import Proxy
from volaris.app import COMING_UP, SERVICE, create_app
from volaris.market import Source
from volaris.scheduler import JobRun
from volaris.service import Service
from volaris.settings import Settings

JOB = "prices_1m"


@dataclass(frozen=True, slots=True)
class Running:
    """A service that runs, and a client to it."""

    app: web.Application
    service: Service
    client: TestClient[web.Request, web.Application]

    async def is_up(self) -> None:
        """Wait until the database is there."""
        await self.app[COMING_UP]

    async def run(self) -> JobRun:
        """One run of prices_1m, to its end."""
        return await self.service.scheduler.run_now(JOB)

    async def json(self, path: str, status: int = 200) -> dict[str, Any]:
        """The JSON answer of GET `path`."""
        async with self.client.get(path) as response:
            assert response.status == status, await response.text()
            document: dict[str, Any] = await response.json(content_type=None)
            return document


Serve = Callable[..., Any]


@pytest.fixture
def serve() -> Serve:
    """Runs a service for the block: `async with serve(settings) as running`. Slots do not fire by themselves."""

    @asynccontextmanager
    async def serve(settings: Settings, source: Source | None = None) -> AsyncIterator[Running]:
        # Made in a thread: it reads package files, as the command line does before there is a loop.
        app = await asyncio.to_thread(create_app, replace(settings, scheduler_enabled=False), source)
        async with TestClient(TestServer(app)) as client:
            yield Running(app, app[SERVICE], client)

    return serve


@pytest_asyncio.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    """A way to the database that can be cut."""
    async with Proxy(database_url) as proxy:
        yield proxy
