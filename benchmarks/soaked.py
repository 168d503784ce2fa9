"""The service as `python -m benchmarks.soak` runs it: on a clock that goes faster, with fewer symbols, and watched.

Beside the service's jobs those of `benchmarks.soak_jobs` run. Nothing else differs from `volaris serve`: data and time
limits of jobs have the real time.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import orjson
from aiohttp import web

import volaris.service
from benchmarks.soak_jobs import soak_jobs
from volaris.app import SERVICE, create_app
from volaris.jobs.registry import jobs_at_any_hour
from volaris.logs import setup_logging
from volaris.market import Source, Symbol, create_source
from volaris.scheduler import Job, Report, Scheduler
from volaris.scheduler.clock import ClockReading, TimerHandle
from volaris.settings import Settings
from volaris.web.server import serve

WATCH_PATH = "/soak"
TICK_S = 0.01
STALL_BOUNDS_S = (0.05, 0.1, 0.25, 1.0)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pace", type=float, required=True, help="seconds of the schedule in one second")
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--leak", action="store_true")
    arguments = parser.parse_args()
    settings = Settings.load()
    setup_logging(settings.log_level, settings.log_format)
    app = soaked_app(settings, arguments.pace, arguments.symbols, leaks=arguments.leak)
    asyncio.run(serve(app, settings.host, settings.port))


def soaked_app(settings: Settings, pace: float, symbols: int, *, leaks: bool) -> web.Application:
    """Return the product's application with another clock and source than its factory would take, and more jobs."""

    def scheduler(*, report: Report, **_: object) -> Scheduler:
        return Scheduler(clock=ScaledClock(pace), report=report)

    def source(name: str, **options: Any) -> Source:
        return FewSymbols(create_source(name, **options), symbols)  # type: ignore[return-value]

    def jobs(*arguments: Any) -> list[Job]:
        return [*jobs_at_any_hour(*arguments), *soak_jobs(leaks=leaks)]

    with (
        patch.object(volaris.service, "Scheduler", scheduler),
        patch.object(volaris.service, "create_source", source),
        patch.object(volaris.service, "jobs_at_any_hour", jobs),
    ):
        app = create_app(settings)
    watch = LoopWatch()

    async def start(_app: web.Application) -> None:
        watch.start()

    async def tell(_request: web.Request) -> web.Response:
        started = app[SERVICE].scheduler.statistics().started_at
        document = watch.told() | {"started_at": started.isoformat() if started else None}
        return web.Response(body=orjson.dumps(document), content_type="application/json")

    app.on_startup.append(start)
    app.router.add_get(WATCH_PATH, tell)
    return app


class ScaledClock:
    """A clock that goes `pace` times as fast as the machine's, from when it is made."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._began = ClockReading(monotonic_s=time.monotonic(), wall=datetime.now(UTC))

    def now(self) -> ClockReading:
        """Return the current moment on both clocks."""
        since_s = (time.monotonic() - self._began.monotonic_s) * self._pace
        return ClockReading(
            monotonic_s=self._began.monotonic_s + since_s, wall=self._began.wall + timedelta(seconds=since_s)
        )

    def call_at(self, monotonic_s: float, callback: Callable[[], object]) -> TimerHandle:
        """Set a timer of the running loop for what is left of this clock's time."""
        left_s = (monotonic_s - self.now().monotonic_s) / self._pace
        return asyncio.get_running_loop().call_later(max(0.0, left_s), callback)


class FewSymbols:
    """A source with the first `count` of another's symbols, spread over its list; otherwise that source."""

    def __init__(self, source: Source, count: int) -> None:
        self._source = source
        self._count = count

    async def symbols(self) -> Sequence[Symbol]:
        """Return `count` of the source's symbols, spread over its list."""
        listed = await self._source.symbols()
        return listed[:: max(1, len(listed) // self._count)][: self._count]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class LoopWatch:
    """How late the loop calls what it was asked to call every 10 ms: what held it meanwhile, held everybody."""

    def __init__(self) -> None:
        self._due_s = 0.0
        self._stalls = [0] * (len(STALL_BOUNDS_S) + 1)
        self._longest_s = 0.0

    def start(self) -> None:
        """Begin to look; needs a running loop. It ends with the loop."""
        self._due_s = time.perf_counter() + TICK_S
        asyncio.get_running_loop().call_later(TICK_S, self._look)

    def told(self) -> dict[str, Any]:
        """Return the counts of stalls since the start, the longest stall since the last call, and the CPU time."""
        longest_s, self._longest_s = self._longest_s, 0.0
        counts = {f"{bound_s * 1000:g}": sum(self._stalls[place:]) for place, bound_s in enumerate(STALL_BOUNDS_S, 1)}
        return {"stalls_over_ms": counts, "longest_stall_ms": longest_s * 1000, "cpu_s": time.process_time()}

    def _look(self) -> None:
        late_s = time.perf_counter() - self._due_s
        self._stalls[bisect_right(STALL_BOUNDS_S, late_s)] += 1
        self._longest_s = max(self._longest_s, late_s)
        self.start()


if __name__ == "__main__":
    main()
