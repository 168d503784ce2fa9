"""A task that ends the windows of memory outside jobs while the application runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from profiling.errors import SamplerUnavailable
from profiling.profiler import Profiler

MIN_WAIT_S = 0.02  # so that very short windows leave time for the application

_logger = logging.getLogger(__name__)


def watching(profiler: Profiler) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return a clean-up context for `app.cleanup_ctx`: the task starts and ends with the application."""

    async def context(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_watch(profiler), name="profiling: windows of what is outside jobs")
        yield
        task.cancel()
        await asyncio.wait([task])

    return context


async def _watch(profiler: Profiler) -> None:
    try:
        while True:
            profiler.watch()
            await asyncio.sleep(max(profiler.window_s, MIN_WAIT_S))
    except SamplerUnavailable as error:
        _logger.warning("memory that is allocated outside jobs is not watched: %s", error)
