"""Serves an application until the process is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal

from aiohttp import web

from volaris.logs import log_event

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
REQUESTS_GRACE_S = 5.0


async def serve(app: web.Application, host: str, port: int, *, with_access_log: bool = False) -> None:
    """Listen until SIGINT or SIGTERM, and return when everything has stopped; a second signal ends the process at once.

    Raises OSError if the address cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    access_log = logging.getLogger("aiohttp.access") if with_access_log else None
    runner = web.AppRunner(app, access_log=access_log, shutdown_timeout=REQUESTS_GRACE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stop.set)
        for address in runner.addresses:
            log_event("INFO", "listening", url=f"http://{address[0]}:{address[1]}")
        await stop.wait()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
        log_event("INFO", "stopping")
    finally:
        await runner.cleanup()
    log_event("INFO", "stopped")
