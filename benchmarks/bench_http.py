"""Health under load against a bare aiohttp route, in turn."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results
from benchmarks.servers import requests_per_second, server

ROUNDS = 5
# Tracing slows down whatever allocates, so the bare route is traced where ours is.
BARE_ENVIRONMENT = {"counters": {}, "lines": {"PYTHONTRACEMALLOC": "1"}}
SECONDS = 2.0

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


@pytest.mark.parametrize("profiling", ["counters", "lines"])
def test_health_against_a_bare_route(
    profiling: str, benchmark: BenchmarkFixture, results: Results, tmp_path: Path
) -> None:
    environment = {"PORT": "0", "PROFILING": profiling, "PRICES_INTERVAL_S": "5", "VOLARIS_DATA_DIR": str(tmp_path)}
    bare, health = [], []
    with (
        server(["-c", BARE], BARE_ENVIRONMENT[profiling], _folder(tmp_path, "bare")) as (_, bare_port),
        server(["-m", "volaris", "serve"], environment, _folder(tmp_path, "service")) as (_, port),
    ):
        for _ in range(ROUNDS):
            bare.append(requests_per_second(bare_port, "/", seconds=SECONDS))
            health.append(requests_per_second(port, "/api/v1/debug/health", seconds=SECONDS))
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            requests_per_second, args=(port, "/debug/health"), kwargs={"seconds": 0.5}, rounds=1
        )
    ratio = statistics.median(h / b for h, b in zip(health, bare, strict=True))
    results.add(
        what=f"health, requests a second while prices_1m runs every 5 s, PROFILING={profiling}",
        ours=f"{statistics.median(health):,.0f}",
        against=f"bare aiohttp JSON route, traced alike: {statistics.median(bare):,.0f}",
        ratio=ratio,
    )
    assert min(health) > 0


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
