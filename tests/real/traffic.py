"""Judge a leak of a server while it answers requests, beside two innocent jobs.

    python -m tests.real.traffic [--seconds 120] [--per-second 20]
    python -m tests.real.traffic --truth

The server is that of `aiohttp_404_middleware.py`: each page that is not there stays in a cache. The requests come from
a process of their own. No job allocates what is kept, so it is `(outside jobs)` that has to be accused. `--truth`
measures by tracemalloc what a request keeps, without the profiler.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import inspect
import sys
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from aiohttp import ClientSession, web

from profiling import Level, Profiler
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.web import mount

INNOCENTS = ("rates_cached_ok", "errors_in_cycles_ok")
JOBS_EVERY_S = 0.5
WINDOW_S = 1.0  # so that a minute has as many windows as five minutes have by default
TRUTH_REQUESTS = (500, 1_500)


class Server:
    """The server, and how many pages it was asked for."""

    def __init__(self) -> None:
        @web.middleware
        async def count(request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
            self.requests += 1
            response: web.StreamResponse = await handler(request)
            return response

        self.requests = 0
        self.app = web.Application(middlewares=[count])

    async def start(self) -> str:
        """Return the address that it listens at."""
        self.runner = web.AppRunner(self.app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"


async def ask(url: str, requests: int, gap_s: float) -> None:
    """Ask for so many pages that are not there."""
    async with ClientSession() as client:
        for number in range(requests):
            async with client.get(f"{url}/missing/{number}") as response:
                await response.read()
            await asyncio.sleep(gap_s)


async def asked_from_outside(url: str, requests: int, gap_s: float) -> asyncio.subprocess.Process:
    """Start a process that asks."""
    command = [sys.executable, "-m", f"{__package__}.traffic", "--ask", url, str(requests), str(gap_s)]
    return await asyncio.create_subprocess_exec(*command)


async def truth() -> float:
    """Return the bytes that a request keeps."""
    server = Server()
    url = await server.start()
    traced = []
    tracemalloc.start()
    for before, after in pairwise((0, *TRUTH_REQUESTS)):
        await (await asked_from_outside(url, after - before, 0.0)).wait()
        gc.collect()
        traced.append(tracemalloc.get_traced_memory()[0])
    await server.runner.cleanup()
    return (traced[1] - traced[0]) / (TRUTH_REQUESTS[1] - TRUTH_REQUESTS[0])


async def run_jobs(profiler: Profiler) -> None:
    """Run the innocent jobs again and again."""
    jobs = {name: importlib.import_module(f"{__package__}.{name}").job for name in INNOCENTS}
    while True:
        for name, job in jobs.items():
            async with profiler.run(name):
                result = job()
                if inspect.isawaitable(result):
                    await result
        await asyncio.sleep(JOBS_EVERY_S)


async def watched(level: Level, seconds: float, per_second: float) -> None:
    """Print each change of a verdict while the server answers, and at the end what a request is said to keep."""
    server, profiler = Server(), Profiler(level=level, limit_mb=512, window_s=WINDOW_S)
    mount(server.app, profiler)
    url = await server.start()
    jobs = asyncio.create_task(run_jobs(profiler))
    client = await asked_from_outside(url, round(seconds * per_second), 1 / per_second)
    said: dict[str, str] = {}
    while client.returncode is None:
        await asyncio.sleep(1.0)
        for name, verdict in (await profiler.verdicts()).items():
            if said.get(name) != verdict.state.value:
                said[name] = verdict.state.value
                print(f"{name}, {verdict.runs}: {verdict.state.value}; {verdict.reason}", flush=True)  # noqa: T201
    verdict = profiler.verdict(OUTSIDE_JOBS)
    per_request = (verdict.bytes_per_run or 0.0) * verdict.runs / server.requests
    lines = [(suspect.site, round(suspect.bytes_per_run)) for suspect in verdict.suspects[:3]]
    print(f"{OUTSIDE_JOBS}: {verdict.state.value}, {per_request:,.0f} B per request at {lines}")  # noqa: T201
    jobs.cancel()
    await server.runner.cleanup()


def main() -> None:
    """Ask, measure or watch."""
    parser = argparse.ArgumentParser(description="Judge a leak of a server while it answers requests.")
    parser.add_argument("--level", type=Level, default=Level.ADAPTIVE)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--per-second", type=float, default=20.0)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--ask", nargs=3)
    arguments = parser.parse_args()
    if arguments.ask:
        url, requests, gap_s = arguments.ask
        asyncio.run(ask(url, int(requests), float(gap_s)))
    elif arguments.truth:
        print(f"{asyncio.run(truth()):,.0f} B per request")  # noqa: T201
    else:
        asyncio.run(watched(arguments.level, arguments.seconds, arguments.per_second))


if __name__ == "__main__":
    main()
