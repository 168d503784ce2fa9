"""An application that is not Volaris, with the debug routes: `python -m tests.acceptance.own_application TOKEN`.

Its jobs have run a few times, and nobody can start or pause them from outside.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from aiohttp import web

from profiling import Profiler
from profiling.web import mount

JOBS = ("prices_1m", "retention")
RUNS = 3

kept: list[bytes] = []


async def collect() -> None:
    """Keep something, and give way once."""
    kept.append(bytes(100_000))
    await asyncio.sleep(0)


async def main(token: str) -> None:
    """Serve until the process is ended; the log says where."""
    logging.basicConfig(format="%(asctime)s - %(levelname)s - %(name)s - %(message)s", level=logging.INFO)
    profiler = Profiler(level="lines")
    for job in JOBS * RUNS:
        async with profiler.run(job):
            await collect()
    app = web.Application()
    mount(app, profiler, token=token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    logging.getLogger(__name__).info("listening - url=http://%s:%s", host, port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
