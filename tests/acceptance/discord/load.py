"""A service in a process of its own that answers thousands of commands, for a test and a benchmark."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.acceptance.discord.stand_in import ADMIN, Client, Discord, Shown
from tests.acceptance.streaming import Served, served

MB_KB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A service that runs, and Discord."""

    service: Served
    discord: Discord
    client: Client

    async def ask(self, name: str, **options: Any) -> Shown:
        """What a user sees in the end."""
        return await self.discord.ask(self.client, name, user=ADMIN, **options)

    async def symbols(self) -> list[str]:
        """All symbols of the service."""
        async with self.client.get("/api/v1/symbols") as response:
            return [entry["symbol"] for entry in (await response.json())["symbols"]]

    async def scopes(self) -> dict[str, dict[str, Any]]:
        """All scopes that are not jobs, by name."""
        async with self.client.get("/debug/scopes?limit=256") as response:
            scopes = (await response.json(content_type=None))["scopes"]
        return {scope["scope"]: scope for scope in scopes if scope["kind"] == "scope"}

    async def rss_mb(self) -> float:
        """The RSS of the service."""
        return await asyncio.to_thread(self.service.rss_kb) / MB_KB


@asynccontextmanager
async def loaded(folder: Path, database_url: str, **settings: str) -> AsyncIterator[Loaded]:
    """A service whose scheduler is off, and the stand-in that asks it."""
    discord = Discord()
    await discord.start()
    stack = ExitStack()
    own = {"DISCORD_PUBLIC_KEY": discord.public_key, "DISCORD_API_URL": discord.url, "DISCORD_ADMINS": ADMIN}
    try:
        service = await asyncio.to_thread(stack.enter_context, served(folder, database_url, **own | settings))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{service.port}") as session:
            yield Loaded(service=service, discord=discord, client=session)
    finally:
        await asyncio.to_thread(stack.close)  # which waits for the process
        await discord.stop()
    assert discord.refused == []


async def cold_iv_s(loaded: Loaded, symbols: Sequence[str]) -> list[float]:
    """The seconds of `/iv` for each of these symbols, of which nothing is stored, until a user sees the answer."""
    seconds = []
    for symbol in symbols:
        begin_s = time.perf_counter()
        shown = await loaded.ask("iv", symbol=symbol)
        seconds.append(time.perf_counter() - begin_s)
        assert shown.embed["footer"]["text"].endswith("fetched now")
    return seconds


async def give(loaded: Loaded, commands: int, symbols: Sequence[str]) -> None:
    """Give so many commands, one after the other, of all kinds."""
    numbers = itertools.cycle(range(len(symbols)))
    kinds = itertools.cycle(["price", "chain", "iv", "screener", "status", "complete"])
    for kind, number in itertools.islice(zip(kinds, numbers, strict=False), commands):
        match kind:
            case "complete":
                assert await loaded.discord.choices(loaded.client, "price", symbols[number][:2])
            case "screener" | "status":
                await loaded.ask(kind)
            case _:
                assert (await loaded.ask(kind, symbol=symbols[number])).embed
