"""Kill -9 in the middle of options_refresh: every chain is whole, the old one or the new, and the next run succeeds."""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.jobs.market import FIRST_RUN, SYMBOLS, moments
from volaris.market.constituents import constituents
from volaris.store import Database

pytestmark = pytest.mark.slow

MOMENTS = 20
RUN_S = 0.06  # what a run of the five symbols takes, about
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def members() -> None:
    """The list is read once, before there is a loop that it could block."""
    constituents()


async def killed_refresher(url: str, first_run: str, after_s: float) -> str:
    """Starts the process, waits for its first run, kills it that much later; gives the line of its first run."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.jobs.refresher",
        url,
        first_run,
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(100):
            line = await process.stdout.readline()
        await asyncio.sleep(after_s)  # a moment at random, which no event is
    finally:
        process.kill()
        await process.communicate()
    return line.decode().strip()


@pytest.mark.timeout(240)
async def test_killed_at_twenty_random_moments_it_leaves_whole_chains(database: Database, database_url: str) -> None:
    dice = random.Random(20)
    caught = 0
    for number in range(MOMENTS):
        first_run = FIRST_RUN + timedelta(days=number)
        # Its line says that the run after the last kill succeeded.
        assert await killed_refresher(database_url, first_run.isoformat(), dice.uniform(0, 3 * RUN_S)) == (
            first_run.isoformat()
        )
        found = await moments(database)
        assert min(found) >= first_run
        assert max(found) - min(found) <= timedelta(hours=1), "no run begins before the one before it is through"
        assert found == sorted(found, reverse=True), "batches are stored in their order"
        caught += len(set(found)) > 1
    assert len(found) == len(SYMBOLS)
    assert caught >= 3, "hardly a kill fell into a run: the moments say nothing"
