"""`volaris serve` with one job more, which fills memory. Mounted into the container and run there in its stead.

Its first run fills up to what health calls a warning, its second to what it calls critical, its third until the kernel
ends it. It holds what it took, as a leak does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from volaris.app import SERVICE, create_app
from volaris.logs import setup_logging
from volaris.scheduler import Every, Job
from volaris.service import Service
from volaris.settings import Settings
from volaris.web.server import serve

JOB_ID = "hog"
FILL_TO_PERCENT = (79.0, 90.0, float("inf"))
PIECE_BYTES = 2 * 2**20
YEAR_S = 365 * 86_400.0


def main() -> None:
    settings = Settings.load()
    setup_logging(settings.log_level, settings.log_format)
    app = create_app(settings)
    app[SERVICE].scheduler.add(hog_job(app[SERVICE]))
    asyncio.run(serve(app, settings.host, settings.port))


def hog_job(service: Service) -> Job:
    """Runs when it is told to, and never by itself."""
    held: list[bytearray] = []
    targets: Iterator[float] = iter(FILL_TO_PERCENT)

    async def run() -> None:
        until_percent = next(targets)
        while service.profiler.usage().percent < until_percent:
            held.append(bytearray(b"\x01") * PIECE_BYTES)  # written to, so that the kernel has to have it
            await asyncio.sleep(0)

    return Job(id=JOB_ID, description="fills memory", run=run, trigger=Every(YEAR_S, delay_s=YEAR_S), timeout_s=60.0)


if __name__ == "__main__":
    main()
