"""The whole service with a key of the stand-in for Discord, over an empty database, with the scheduler off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.acceptance.conftest import Running, Serve
from tests.acceptance.discord.stand_in import ADMIN, APPLICATION, Discord, Shown
from tests.integration.demand.market import RecordingSource
from volaris.discord.route import ANSWERING
from volaris.settings import Settings


@dataclass(frozen=True, slots=True)
class Commanded:
    """A service that is asked by Discord, and its market."""

    running: Running
    discord: Discord
    source: RecordingSource

    async def ask(self, name: str, **options: Any) -> Shown:
        """What a user sees in the end who gives a command."""
        return await self.discord.ask(self.running.client, name, **options)

    async def choices(self, name: str, typed: str, option: str = "symbol", **options: Any) -> list[str]:
        """The values that a user can choose from who has typed so much."""
        return await self.discord.choices(self.running.client, name, typed, option, **options)

    async def has_ended(self) -> None:
        """Wait until no command and no follow-up is running."""
        tasks = self.running.app[ANSWERING]._tasks
        while tasks:
            await asyncio.wait(tasks)


@pytest_asyncio.fixture
async def discord() -> AsyncIterator[Discord]:
    """Discord, which has refused nothing when the test ends."""
    discord = Discord()
    await discord.start()
    try:
        yield discord
    finally:
        await discord.stop()
    assert discord.refused == []


@pytest.fixture
def source() -> RecordingSource:
    """The market of the service, which can be held and broken."""
    return RecordingSource(lambda: datetime.now(UTC))


@pytest.fixture
def settings(discord: Discord, database_url: str) -> Settings:
    """The settings of the service."""
    return Settings(
        database_url=database_url,
        profiling="samples",
        discord_public_key=discord.public_key,
        discord_application_id=APPLICATION,
        discord_token=discord.bot_token,
        discord_api_url=discord.url,
        discord_admins=(ADMIN,),
    )


@pytest_asyncio.fixture
async def commanded(
    serve: Serve, settings: Settings, discord: Discord, source: RecordingSource
) -> AsyncIterator[Commanded]:
    """The service with its database ready."""
    async with serve(settings, source) as running:
        await running.is_up()
        yield Commanded(running, discord, source)
