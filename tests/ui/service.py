"""A service in a process of its own, to look at: `python -m tests.ui.service calm|leaking|critical|empty TOKEN PORT`.

Its jobs run for real. It prints its address when they have run often enough for a verdict, and serves until standard
input ends.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from profiling import Profiler
from profiling.errors import UnknownJob
from profiling.serve import DebugServer
from profiling.web import JobInfo

RUNS = 40
LEAK_BYTES = 1_100_000
BLOCK_BYTES = 11_000

surfaces: list[bytes] = []
prices: deque[bytes] = deque(maxlen=400)
reports: dict[int, list[str]] = {}


def fit_surface() -> bytes:
    """Return one block of a volatility surface."""
    return bytes(BLOCK_BYTES)


def iv_metrics() -> None:
    """Keep every surface for ever."""
    surfaces.extend(fit_surface() for _ in range(LEAK_BYTES // BLOCK_BYTES))


def prices_1m() -> None:
    """Keep the last prices."""
    prices.extend(bytes(5_000) for _ in range(100))


def daily_report() -> None:
    """Replace the report."""
    reports[0] = json.loads(json.dumps([f"line {number} of the report" for number in range(20_000)]))


JOBS: dict[str, Callable[[], None]] = {"prices_1m": prices_1m, "daily_report": daily_report, "iv_metrics": iv_metrics}


class Jobs:
    """Runs jobs on demand, one after the other."""

    enabled = True

    def __init__(self, profiler: Profiler, names: Sequence[str]) -> None:
        self._profiler = profiler
        self._paused: set[str] = set()
        self._infos = {name: (0, datetime.now(UTC)) for name in names}

    def run(self, name: str) -> None:
        with self._profiler.run(name):
            JOBS[name]()
        self._infos[name] = (self._infos[name][0] + 1, datetime.now(UTC))

    def jobs(self) -> Sequence[JobInfo]:
        return [
            JobInfo(
                id=name,
                state="paused" if name in self._paused else "idle",
                description=(JOBS[name].__doc__ or "").rstrip("."),
                next_run_at=None if name in self._paused else last + timedelta(minutes=2),
                last_outcome="completed" if runs else None,
                last_started_at=last if runs else None,
                last_duration_s=0.01 if runs else None,
                last_error=None,
                runs=runs,
                failures=0,
                coalesced_slots=0,
            )
            for name, (runs, last) in self._infos.items()
        ]

    def run_now(self, job_id: str) -> None:
        self._known(job_id)
        threading.Thread(target=self.run, args=[job_id]).start()

    def pause(self, job_id: str) -> None:
        self._known(job_id)
        self._paused.add(job_id)

    def resume(self, job_id: str) -> None:
        self._known(job_id)
        self._paused.discard(job_id)

    def _known(self, job_id: str) -> None:
        if job_id not in self._infos:
            raise UnknownJob(job_id, list(self._infos))


def main(state: str, token: str | None = None, port: str = "0") -> None:
    """Serve until standard input ends."""
    names = {"empty": [], "calm": ["prices_1m", "daily_report"]}.get(state, list(JOBS))
    limit_mb = {"critical": 110.0}.get(state, 512.0)
    profiler = Profiler(level="samples", limit_mb=limit_mb, sample_bytes=4_096)
    jobs = Jobs(profiler, names)
    server = DebugServer(profiler, f"127.0.0.1:{port}", token=token or None, jobs=jobs)
    for _ in range(RUNS):
        for name in names:
            jobs.run(name)
            time.sleep(0.02)
    with profiler.scope("GET /symbols/{symbol}"):
        reports[1] = ["a symbol"] * 1_000
    sys.stdout.write(f"http://{server.address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.close()
    profiler.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
