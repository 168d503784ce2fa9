"""Runs of Volaris' own jobs, watched in one way: `python -m benchmarks.watched_runs WAY RUNS DATABASE_URL [leak]`.

Prints JSON: the CPU time a run took, the profiler's included, and with `leak` when the profiler said where 1 MB a run
is kept. A day has 15 runs of prices_1m to one of options_refresh, and so have these.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from profiling import Level, Profiler, State
from volaris.jobs.options import refresh_options
from volaris.jobs.prices import sync_prices
from volaris.market import ChainBounds, create_source
from volaris.store import Store

OPTIONS_EVERY = 15
BATCH_SIZE = 25
LEAK_FROM = 20  # run, when all is warm

kept: list[bytes] = []


def leak() -> None:
    kept.append(bytes(1_000_000))  # <- the line


LEAKING_LINE = leak.__code__.co_firstlineno + 1


class Unwatched:
    """What the jobs take by themselves."""

    async def run(self, job: str, work: Callable[[], Awaitable[object]]) -> None:
        await work()


class Profiled:
    """By the profiler at a level; notes the first run after which it tells the leaking line."""

    def __init__(self, level: Level) -> None:
        self._profiler = Profiler(level=level, limit_mb=512)
        self.runs = 0
        self.found_after: int | None = None

    async def run(self, job: str, work: Callable[[], Awaitable[object]]) -> None:
        self.runs += job == "prices_1m"
        async with self._profiler.run(job):
            await work()
        verdict = self._profiler.last_verdict("prices_1m")
        if self.found_after is None and verdict is not None and verdict.state is State.LEAKING:
            (file, line), *_ = [suspect.site for suspect in verdict.suspects] or [("", 0)]
            if file == __file__ and line == LEAKING_LINE:
                self.found_after = self.runs


class StandardLibrary:
    """A snapshot before and after each run, and the difference by line, as the documentation of tracemalloc has it."""

    def __init__(self) -> None:
        tracemalloc.start()

    async def run(self, job: str, work: Callable[[], Awaitable[object]]) -> None:
        before = tracemalloc.take_snapshot()
        await work()
        tracemalloc.take_snapshot().compare_to(before, "lineno")


def watcher(way: str) -> Unwatched | Profiled | StandardLibrary:
    """Return the watcher of that name."""
    if way in ("off", "memray"):
        return Unwatched()
    return StandardLibrary() if way == "stdlib" else Profiled(Level(way))


def surrounding(way: str) -> AbstractContextManager[object]:
    """memray has no runs: it writes down every allocation of the process, for reports afterwards."""
    if way != "memray":
        return nullcontext()
    import memray

    return memray.Tracker(Path(tempfile.mkdtemp()) / "memray.bin", trace_python_allocators=True)


async def main(way: str, runs: int, database_url: str, *, leaking: bool) -> dict[str, Any]:
    """Return the CPU seconds of a run, and after how many leaking runs the line was told."""
    store, source = Store(database_url, Path("unused")), create_source("simulated")
    await store.open()

    async def prices() -> None:
        await sync_prices(source, store.prices, BATCH_SIZE)
        if leaking and watched_runs > LEAK_FROM:
            leak()

    async def options() -> None:
        await refresh_options(source, store.options, BATCH_SIZE, ChainBounds())

    watched_runs = 0
    await prices()
    await options()
    watch = watcher(way)
    with surrounding(way):
        began_s = time.process_time()
        for number in range(1, runs + 1):
            watched_runs += 1
            await watch.run("prices_1m", prices)
            if number % OPTIONS_EVERY == 0:
                await watch.run("options_refresh", options)
        cpu_s = time.process_time() - began_s
    await store.close()
    found = watch.found_after if isinstance(watch, Profiled) else None
    return {"cpu_ms_a_run": cpu_s / runs * 1e3, "found_after": None if found is None else found - LEAK_FROM}


if __name__ == "__main__":
    answer = asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], leaking="leak" in sys.argv[4:]))
    sys.stdout.write(json.dumps(answer) + "\n")
