"""A process that runs options_refresh without end, until it is killed: `python -m ... DATABASE_URL FIRST_RUN`.

It prints a line after each run.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

from tests.integration.jobs.market import FewSymbols, run
from volaris.store import Database


async def main(url: str, first_run: datetime) -> None:
    """Runs, an hour of the market apart."""
    database = Database(url)
    await database.connect()
    source = FewSymbols(first_run)
    while True:
        await run(source, database)
        print(source.now.isoformat(), flush=True)  # noqa: T201 - what the test waits for
        source.next_run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], datetime.fromisoformat(sys.argv[2])))
