"""The service's routes under load while jobs run, against a bare aiohttp route, in turn."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import aiohttp
import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.load import Load, client_name, load
from benchmarks.results import Results
from benchmarks.servers import server

ROUNDS = 3
SECONDS = 3.0
START_TIMEOUT_S = 60.0

# All jobs several times during the load, and none all the time.
INTERVALS = {"PRICES_INTERVAL_S": "5", "OPTIONS_INTERVAL_S": "60", "IV_INTERVAL_S": "60"}

# Tracing slows down whatever allocates, so the bare route is traced where ours is.
BARE_ENVIRONMENT = {"adaptive": {}, "lines": {"PYTHONTRACEMALLOC": "1"}}

ROUTES = {
    "health": "/api/v1/debug/health",
    "diff": "/api/v1/debug/memory/diff?job=prices_1m",
    "prices of a symbol": "/api/v1/prices/AAPL",
}

BARE = """
import asyncio
from aiohttp import web

async def answer(request):
    return web.json_response({"status": "ok"})

app = web.Application()
app.router.add_get("/", answer)

async def main():
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("profiling", ["adaptive", "lines"])
def test_routes_against_a_bare_route(
    profiling: str, benchmark: BenchmarkFixture, results: Results, tmp_path: Path
) -> None:
    environment = {"PORT": "0", "PROFILING": profiling, "VOLARIS_DATA_DIR": str(tmp_path), **INTERVALS}
    loads: dict[str, list[Load]] = {name: [] for name in ("bare", *ROUTES)}
    with (
        server(["-c", BARE], BARE_ENVIRONMENT[profiling], _folder(tmp_path, "bare")) as (_, bare_port),
        server(["-m", "volaris", "serve"], environment, _folder(tmp_path, "service")) as (process, port),
    ):
        routes = asyncio.run(_routes_that_answer(port))
        before_mb = _rss_mb(process)
        for _ in range(ROUNDS):
            loads["bare"].append(load(bare_port, "/", seconds=SECONDS))
            for name, path in routes.items():
                loads[name].append(load(port, path, seconds=SECONDS))
        after_mb = _rss_mb(process)
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            load, args=(port, ROUTES["health"]), kwargs={"seconds": 1.0}, rounds=1
        )
    for name in routes:
        results.add(
            what=f"{name} by {client_name()} while the jobs run, PROFILING={profiling}",
            ours=_middle(loads[name]),
            against=f"bare aiohttp JSON route, traced alike: {_middle(loads['bare'])}",
            ratio=statistics.median(
                ours.requests_per_s / bare.requests_per_s for ours, bare in zip(loads[name], loads["bare"], strict=True)
            ),
        )
    results.add(
        what=f"RSS after that load, PROFILING={profiling}",
        ours=f"{after_mb:.0f} MB",
        against=f"before it: {before_mb:.0f} MB",
        ratio=before_mb / after_mb,
    )
    assert not sum(each.refused for name in loads for each in loads[name])


def _middle(loads: Sequence[Load]) -> str:
    """Return the round with the median rate."""
    return str(sorted(loads, key=lambda each: each.requests_per_s)[len(loads) // 2])


async def _routes_that_answer(port: int) -> dict[str, str]:
    """After the jobs' second runs; there may be no diff where no lines are traced."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, asyncio.timeout(START_TIMEOUT_S):
        while await _runs(session) < 2:  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.2)
        return {name: path for name, path in ROUTES.items() if await _status(session, path) == HTTPStatus.OK}


async def _runs(session: aiohttp.ClientSession) -> int:
    """Return how many runs of prices_1m there have been."""
    async with session.get("/api/v1/debug/jobs") as response:
        return int(next(job["runs"] for job in (await response.json())["jobs"] if job["id"] == "prices_1m"))


async def _status(session: aiohttp.ClientSession, path: str) -> int:
    async with session.get(path) as response:
        return response.status


def _rss_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 2**20)


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
