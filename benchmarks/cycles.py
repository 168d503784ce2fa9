"""Cycles of all jobs over the whole index in one process: `python -m benchmarks.cycles CYCLES DATABASE_URL`.

Prints JSON: of each job its time and its peak RSS, the RSS after each cycle, the longest stall of the loop, and how
long /livez took, asked all the while. PROFILING is that of the environment.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
from aiohttp import web

from profiling.process import usage
from volaris.app import COMING_UP, SERVICE, create_app
from volaris.logs import setup_logging
from volaris.service import Service
from volaris.settings import Settings

JOBS = ("sp500", "prices_1m", "options_refresh", "iv_metrics", "retention")
TICK_S = 0.005


class Watch:
    """How late a timer fires, which is how long the loop was held, and how long a probe takes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.stalls_s: dict[str, float] = dict.fromkeys(JOBS, 0.0)
        self.probes_s: list[float] = []
        self.job = JOBS[0]

    async def tick(self) -> None:
        while True:
            began_s = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late_s = time.perf_counter() - began_s - TICK_S
            self.stalls_s[self.job] = max(self.stalls_s[self.job], late_s)

    async def probe(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                began_s = time.perf_counter()
                async with session.get(f"http://127.0.0.1:{self._port}/livez") as response:
                    await response.read()
                self.probes_s.append(time.perf_counter() - began_s)
                await asyncio.sleep(0.02)


async def run(cycles: int, database_url: str) -> dict[str, Any]:
    """Run all jobs, one after the other, `cycles` times, and return what was measured."""
    settings = replace(Settings.load(), database_url=database_url, scheduler_enabled=False, data_dir=Path("unused"))
    app = create_app(settings)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await app[COMING_UP]
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    watch = Watch(port)
    beside = [asyncio.create_task(watch.tick()), asyncio.create_task(watch.probe())]
    jobs: dict[str, list[tuple[float, int]]] = {job: [] for job in JOBS}
    after_mb = []
    for _ in range(cycles):
        for job in JOBS:
            watch.job = job
            jobs[job].append(await _run_job(app[SERVICE], job))
        after_mb.append(usage.resident_and_virtual()[0] / 2**20)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await runner.cleanup()
    return {
        "profiling": settings.profiling,
        "jobs": {
            job: {"seconds": median(s for s, _ in runs), "peak_mb": max(peak for _, peak in runs) / 2**20}
            for job, runs in jobs.items()
        },
        "after_mb": after_mb,
        "stalls_ms": {job: stall_s * 1e3 for job, stall_s in watch.stalls_s.items()},
        "livez_p99_ms": quantiles(watch.probes_s, n=100)[98] * 1e3,
        "livez_probes": len(watch.probes_s),
        "cpu_s": time.process_time(),
    }


async def _run_job(service: Service, job: str) -> tuple[float, int]:
    """Run the job; return its seconds and the highest RSS in bytes during the run."""
    usage.reset_peak()
    began_s = time.perf_counter()
    ended = await service.scheduler.run_now(job)
    if ended.error_text:
        raise RuntimeError(f"{job}: {ended.error_text}")
    return time.perf_counter() - began_s, usage.peak_rss_bytes() or 0


if __name__ == "__main__":
    setup_logging("WARNING", "text")
    sys.stdout.write(json.dumps(asyncio.run(run(int(sys.argv[1]), sys.argv[2]))) + "\n")
