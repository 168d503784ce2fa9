"""Sending an answer that goes on, until the client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any


async def send_parts(
    parts: AsyncGenerator[bytes], send: Callable[[bytes], Awaitable[object]], client_gone: Coroutine[Any, Any, object]
) -> None:
    """Send each part, and close the generator at its end, or as soon as the client is gone."""
    async with aclosing(parts):
        tasks = {
            asyncio.create_task(_send_each(parts, send), name="profiling: parts of an answer"),
            asyncio.create_task(_wait(client_gone), name="profiling: client of an answer"),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _send_each(parts: AsyncGenerator[bytes], send: Callable[[bytes], Awaitable[object]]) -> None:
    with suppress(OSError, TimeoutError):  # the client is gone
        async for part in parts:
            await send(part)


async def _wait(client_gone: Coroutine[Any, Any, object]) -> None:
    with suppress(OSError):
        await client_gone
