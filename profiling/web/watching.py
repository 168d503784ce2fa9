"""What ends the windows of what is outside jobs, while a service runs: one coroutine, on whichever loop serves."""

from __future__ import annotations

import asyncio
import logging

from profiling.errors import SamplerUnavailable
from profiling.profiler import Profiler

MIN_WAIT_S = 0.02  # so that windows without length leave time for the application

_logger = logging.getLogger(__name__)


async def watch_windows(profiler: Profiler) -> None:
    """End the windows of what is outside jobs as their time is over, until cancelled."""
    try:
        while True:
            profiler.end_windows()
            await asyncio.sleep(max(5.0, MIN_WAIT_S))
    except SamplerUnavailable as error:
        _logger.warning("what is allocated outside jobs is not watched: %s", error)
