"""A day of the service in less than 20 minutes: `python -m benchmarks.soak`, or `make soak`.

Jobs run on a clock that goes 80 times as fast, over fewer symbols. Beside them requests come in, and innocent jobs run
that fool naive tools (`benchmarks.soak_jobs`). Told at the end: each job's runs and verdict, RSS by the hour, stalls of
the loop, errors, and what profiling took.

Exit status 0 if each job is judged and has run as often as in a day, nothing failed, no job was accused at any time,
and the last hour's RSS is within 5 per cent of that of the fourth, when the innocents are full; else 1.

With `--leak` one more job leaks 20 KB a run, and has to be `leaking` with the right line at the end. A leak lets the
RSS drift, which is then not judged.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import psutil
from aiohttp import hdrs

from benchmarks.plot import bars, svg, write_svg
from benchmarks.servers import server
from benchmarks.soak_jobs import INNOCENTS, LEAK, LEAKING_LINE, RUNS
from benchmarks.soaked import WATCH_PATH

ROOT = Path(__file__).parents[1]
DAY_H = 24
DAY_RUNS = {"prices_1m": 720, "options_refresh": 48, "iv_metrics": 24}
MIN_RUNS = 24  # of a job that is due less often: it is run by hand each hour, so that there is a verdict on it
LONGEST_MINUTES = 20.0
START_TIMEOUT_S = 60.0
QUIET_TIMEOUT_S = 60.0
SAMPLE_S = 0.5
REQUESTS_PER_S = 20.0
REQUEST_TIMEOUT_S = 30.0
ALARMS = {"leaking", "native_growth"}
NO_ACCUSATION = {"stable", "growing"}  # a job that has run 24 times may be filling up yet
MAX_DRIFT = 0.05  # of the RSS, from the fourth hour to the last
SETTLED_HOUR = 3  # counted from 0: the innocents have run 30 times after two hours, and are full
DEBUG = "/api/v1/debug"
TOKEN = "soak"
PERCENTILES = (50, 99, 100)


@dataclass(slots=True)
class Day:
    """What was seen."""

    rss_mb: list[float] = field(default_factory=list)  # every SAMPLE_S from the scheduler's start
    verdicts: dict[str, list[str]] = field(default_factory=dict)  # of each job at the end of each hour
    longest_stalls_ms: list[float] = field(default_factory=list)  # of each hour
    cost_s: dict[int, float] = field(default_factory=dict)  # what profiling took, by run
    latencies_ms: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)  # by status
    errors: list[str] = field(default_factory=list)


class Soak:
    """One service, and all that is asked of it and about it."""

    def __init__(
        self, process: psutil.Process, session: aiohttp.ClientSession, hour_s: float, *, leaks: bool = False
    ) -> None:
        self._process = process
        self._session = session
        self._hour_s = hour_s
        self.leaks = leaks
        self.day = Day()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.watch: dict[str, Any] = {}

    async def run(self) -> None:
        """Run the scheduler until each job has the runs of its day and none is running."""
        await self._until_started()
        await self._read_jobs()
        beside = [asyncio.create_task(part) for part in (self._sample(), self._ask())]
        began_s = time.monotonic()
        try:
            for hour in itertools.count(1):
                await asyncio.sleep(began_s + hour * self._hour_s - time.monotonic())
                await self._look(hour)
                if time.monotonic() - began_s > LONGEST_MINUTES * 60 or (hour >= DAY_H and self._is_done()):
                    break
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        await self._settle()

    async def _until_started(self) -> None:
        async with asyncio.timeout(START_TIMEOUT_S):
            while (await self._json(WATCH_PATH))["started_at"] is None:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.02)

    async def _look(self, hour: int) -> None:
        """Note verdicts, stalls, the cost of profiling and what runs too seldom, at the end of an hour."""
        await self._read_jobs()
        self.watch = await self._json(WATCH_PATH)
        self.day.longest_stalls_ms.append(self.watch["longest_stall_ms"])
        for job_id, job in self.jobs.items():
            self.day.verdicts.setdefault(job_id, []).append(_verdict(job))
            if job["runs"] >= wanted_runs(job_id):
                await self._post(f"{DEBUG}/jobs/{job_id}/pause")
            elif job_id not in DAY_RUNS and job["runs"] < min(hour, MIN_RUNS) and job["state"] != "running":
                await self._post(f"{DEBUG}/jobs/{job_id}/run")
        for run in (await self._json(f"{DEBUG}/memory/runs"))["runs"]:
            self.day.cost_s[run["id"]] = run["cost"]["duration_ms"] / 1000
        say(f"hour {hour:2}: {self.day.rss_mb[-1]:.0f} MB; " + ", ".join(map(_short, self.jobs.values())))
        for job_id, job in self.jobs.items():
            if _verdict(job) in ALARMS:
                say(f"    {job_id}: {_verdict(job)}: {job['verdict']['reason']}")

    def _is_done(self) -> bool:
        return all(job["runs"] >= wanted_runs(job_id) for job_id, job in self.jobs.items())

    async def _settle(self) -> None:
        """Let no run begin any more, so that the verdicts are on whole days."""
        for job_id in self.jobs:
            await self._post(f"{DEBUG}/jobs/{job_id}/pause")
        await self._read_jobs()
        async with asyncio.timeout(QUIET_TIMEOUT_S):
            while any(job["state"] == "running" for job in self.jobs.values()):
                await asyncio.sleep(0.1)
                await self._read_jobs()

    async def _read_jobs(self) -> None:
        self.jobs = {job["id"]: job for job in (await self._json(f"{DEBUG}/jobs"))["jobs"]}

    async def _sample(self) -> None:
        while True:
            self.day.rss_mb.append(self._process.memory_info().rss / 2**20)
            await asyncio.sleep(SAMPLE_S)

    async def _ask(self) -> None:
        """Requests in turn at an even rate, each whether or not the one before has been answered."""
        paths = requests(
            await self._json("/api/v1/symbols"), await self._json("/api/docs/swagger.json"), list(self.jobs)
        )
        async with asyncio.TaskGroup() as group:
            for path in paths:
                group.create_task(self._request(path))
                await asyncio.sleep(1 / REQUESTS_PER_S)

    async def _request(self, path: str) -> None:
        began_s = time.perf_counter()
        try:
            async with self._session.get(path) as response:
                await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.day.errors.append(f"GET {path}: {type(error).__name__}: {error}")
            return
        self.day.latencies_ms.append((time.perf_counter() - began_s) * 1000)
        self.day.answers[response.status] += 1
        if response.status >= 500:
            self.day.errors.append(f"GET {path}: status {response.status}")

    async def _json(self, path: str) -> dict[str, Any]:
        async with self._session.get(path) as response:
            response.raise_for_status()
            document: dict[str, Any] = await response.json()
            return document

    async def _post(self, path: str) -> None:
        async with self._session.post(path) as response:
            if response.status >= 400 and response.status != HTTPStatus.CONFLICT:  # a run has begun by itself
                self.day.errors.append(f"POST {path}: status {response.status}")


def requests(symbols: dict[str, Any], document: dict[str, Any], jobs: Sequence[str]) -> Iterator[str]:
    """Paths without end: every documented route of the data that needs no more than a symbol, and the debug routes."""
    listed = itertools.cycle([entry["symbol"] for entry in symbols["symbols"]])
    routes = [path for path, methods in document["paths"].items() if "get" in methods]
    routes = [path for path in routes if path.count("{") == path.count("{symbol}") and not path.startswith(DEBUG)]
    debug = [f"{DEBUG}/health", f"{DEBUG}/jobs", f"{DEBUG}/memory/runs"]
    debug += [f"{DEBUG}/memory/diff?job={job_id}" for job_id in jobs]
    for turn in itertools.count():
        for path in [*routes, *debug]:
            yield path.replace("{symbol}", next(listed))
        if turn % 20 == 0:
            yield f"{DEBUG}/memory"  # a walk over the heap: now and then, as a person asks


def wanted_runs(job_id: str) -> int:
    """Return how often a job has to have run."""
    return RUNS if job_id in {*INNOCENTS, LEAK} else DAY_RUNS.get(job_id, MIN_RUNS)


def by_hour(samples: Sequence[float], hour_s: float) -> list[float]:
    """Return the median of each hour."""
    per_hour = max(1, round(hour_s / SAMPLE_S))
    return [median(samples[begin : begin + per_hour]) for begin in range(0, len(samples), per_hour)][:DAY_H]


def main() -> int:
    """Run the day and tell of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=18.0, help="how long the day takes (default: %(default)s)")
    parser.add_argument("--symbols", type=int, default=25, help="size of the universe (default: %(default)s)")
    parser.add_argument("--profiling", default="adaptive", help="as in PROFILING (default: %(default)s)")
    parser.add_argument("--leak", action="store_true", help="let one more job leak 20 KB a run, which has to be told")
    parser.add_argument("--svg", type=Path, default=ROOT / ".benchmarks" / "soak.svg", help="where the plot goes")
    arguments = parser.parse_args()
    hour_s = arguments.minutes * 60 / DAY_H
    pace = 3600 / hour_s
    say(f"a day at {pace:.0f} times its pace, {arguments.symbols} symbols, PROFILING={arguments.profiling}")
    with tempfile.TemporaryDirectory(prefix="volaris-") as folder:
        soak, log = asyncio.run(_soak(Path(folder), hour_s, arguments))
    return told(soak, log, hour_s, arguments.svg)


async def _soak(folder: Path, hour_s: float, arguments: argparse.Namespace) -> tuple[Soak, str]:
    environment = {
        "PYTHONPATH": str(ROOT),
        "PORT": "0",
        "PROFILING": arguments.profiling,
        "VOLARIS_DATA_DIR": str(folder / "data"),
        "DEBUG_TOKEN": TOKEN,
        "MALLOC_ARENA_MAX": "2",  # as in the image
    }
    program = ["-m", "benchmarks.soaked", "--pace", str(3600 / hour_s), "--symbols", str(arguments.symbols)]
    program += ["--leak"] if arguments.leak else []
    options: dict[str, Any] = {
        "timeout": aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
        "headers": {hdrs.AUTHORIZATION: f"Bearer {TOKEN}"},
    }
    with server(program, environment, folder) as (process, port):
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", **options) as session:
            soak = Soak(process, session, hour_s, leaks=arguments.leak)
            await soak.run()
            cpu = process.cpu_times()
            soak.watch["cpu_s"] = cpu.user + cpu.system
    return soak, (folder / "log.txt").read_text()


def told(soak: Soak, log: str, hour_s: float, picture: Path) -> int:
    """Tell of the day; gives the exit status."""
    day = soak.day
    hours = by_hour(day.rss_mb, hour_s)
    say("\nRSS by the hour, medians:\n" + bars(hours, "MB"))
    title = "RSS of the service over a day's schedule"
    write_svg(picture, svg({"RSS": day.rss_mb}, title=title, unit="MB", until_h=DAY_H))
    say(f"plot: {picture}\n")
    for job_id, job in soak.jobs.items():
        others = Counter(day.verdicts.get(job_id, ())) - Counter({"stable": DAY_H + 1})
        at_the_hours = ", ".join(f"{state} at {count}" for state, count in others.items())
        say(f"{job_id}: {_verdict(job)}; {_short(job)}" + (f"; at the ends of hours: {at_the_hours}" if others else ""))
        say(f"    {job['verdict']['reason'] if job['verdict'] else 'no run was profiled'}")
        for suspect in job["verdict"]["suspects"] if job["verdict"] else ():
            site = suspect["site"]
            say(f"    {suspect['bytes_per_run'] / 1024:.1f} KB a run at {site['file']}:{site['line']}")
    say(f"requests: {_requests_text(day)}")
    say(f"stalls of the loop: {_stalls_text(soak)}")
    share = sum(day.cost_s.values()) / soak.watch["cpu_s"]
    say(f"profiling: {sum(day.cost_s.values()):.1f} s of {soak.watch['cpu_s']:.1f} s of CPU time, {share:.2%}")
    drifts = () if soak.leaks else drift(hours)
    wrong = [*what_is_wrong(soak.jobs, accused_jobs(log), leaks=soak.leaks), *drifts, *day.errors[:20]]
    wrong += _log_errors(log)
    for line in wrong:
        say(f"WRONG  {line}")
    say(f"soak: {'FAILED' if wrong else 'passed'}, {verdicts_text(soak.jobs)}")
    return 1 if wrong else 0


def what_is_wrong(jobs: dict[str, dict[str, Any]], accused: Iterable[str], *, leaks: bool = False) -> Iterator[str]:
    """Yield what keeps the day from being a good one, a line each; `accused` are the jobs that the log accuses."""
    for job_id in sorted({*DAY_RUNS, *INNOCENTS, *([LEAK] if leaks else [])} - jobs.keys()):
        yield f"there is no job {job_id}"
    for job_id in accused:
        if job_id != LEAK:
            yield f"{job_id} was accused"
    for job_id, job in jobs.items():
        if job["runs"] < wanted_runs(job_id):
            yield f"{job_id} ran {job['runs']} times, not {wanted_runs(job_id)}"
        if job["failures"]:
            yield f"{job_id} failed {job['failures']} times, the last time: {job['last_run']['error']}"
        if job_id == LEAK:
            if not is_leak_told(job):
                yield f"{LEAK} is {_verdict(job)}, and not leaking at line {LEAKING_LINE}"
        elif _verdict(job) not in NO_ACCUSATION:
            yield f"{job_id} is {_verdict(job)}"


def is_leak_told(job: dict[str, Any]) -> bool:
    """Return whether the verdict is `leaking`, with the line that leaks as the first."""
    sites = [suspect["site"] for suspect in job["verdict"]["suspects"]] if job["verdict"] else []
    is_at_line = any(site["file"].endswith("soak_jobs.py") and site["line"] == LEAKING_LINE for site in sites[:1])
    return _verdict(job) == "leaking" and is_at_line


def accused_jobs(log: str) -> list[str]:
    """Return what the service has accused in its log, in alphabetical order: jobs, or what is outside jobs."""
    return sorted({job_id.strip('"') for job_id in re.findall(r' - job_grows - job_id=("[^"]*"|\S+)', log)})


def drift(hours: Sequence[float]) -> Iterator[str]:
    """Yield what is wrong with the RSS by the hour."""
    settled_mb = hours[SETTLED_HOUR]
    drift_mb = hours[-1] - settled_mb
    if abs(drift_mb) > MAX_DRIFT * settled_mb:
        yield f"the RSS of the last hour is {drift_mb / settled_mb:+.1%} away from that of the fourth"


def verdicts_text(jobs: dict[str, dict[str, Any]]) -> str:
    """Return the verdict of each job in one line."""
    return ", ".join(f"{job_id} {_verdict(job)}" for job_id, job in jobs.items())


def _verdict(job: dict[str, Any]) -> str:
    return str(job["verdict"]["state"]) if job["verdict"] else "not judged"


def _short(job: dict[str, Any]) -> str:
    late = f", {job['coalesced_slots']} slots passed during a run" if job["coalesced_slots"] else ""
    return f"{job['id']} {job['runs']} runs{late}"


def _requests_text(day: Day) -> str:
    ordered = sorted(day.latencies_ms)
    at = {percent: ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] for percent in PERCENTILES}
    answers = ", ".join(f"{count} of status {status}" for status, count in sorted(day.answers.items()))
    return f"{answers}; median {at[50]:.1f} ms, 99th percentile {at[99]:.1f} ms, longest {at[100]:.0f} ms"


def _stalls_text(soak: Soak) -> str:
    counts = ", ".join(f"{count} over {bound} ms" for bound, count in soak.watch["stalls_over_ms"].items())
    return f"{counts}; longest {max(soak.day.longest_stalls_ms):.0f} ms"


def _log_errors(log: str) -> list[str]:
    """Errors that the service logged, up to ten."""
    return [line for line in log.splitlines() if " - ERROR - " in line or " - CRITICAL - " in line][:10]


def say(text: str) -> None:
    """Print a line for whoever waits."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
