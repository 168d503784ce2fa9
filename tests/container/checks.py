"""What has to hold of the container: each check is a function that says what it saw, or raises Refuted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.container.client import Client, NoAnswer
from tests.container.database import Contents, OutsideDatabase
from tests.container.engine import Engine
from tests.container.hog import JOB_ID as HOG
from tests.container.image import IMAGE
from tests.container.watch import PeakWatch

LIMIT_MB = 512
PEAK_PERCENT = 75.0
BATCH_SIZE = 25
KILLED = 137  # 128 and SIGKILL

START_TIMEOUT_S = 60.0
CYCLE_TIMEOUT_S = 900.0
HOG_TIMEOUT_S = 90.0


class Refuted(Exception):
    """Raised where something that has to hold does not."""


@dataclass(slots=True, kw_only=True)
class World:
    """What the checks look at, and what one leaves for a later one."""

    engine: Engine
    container: str
    client: Client
    database: OutsideDatabase
    before_kill: Contents | None = None

    def state(self) -> dict[str, Any]:
        """What podman says of the container's process."""
        state: dict[str, Any] = self.engine.inspect(self.container)["State"]
        return state

    def is_ready(self) -> bool:
        """Whether the service has its database. Raises Refuted where podman has given it up."""
        state = self.state()
        hold(state["Status"] != "exited", f"it ended with status {state['ExitCode']} and was not started again")
        return self.client.status("/readyz") == 200

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The product's jobs by id, as the service tells of them."""
        answer = self.client.json("/debug/jobs")
        return {job["id"]: job for job in answer["jobs"] if job["id"] != HOG}

    def run(self, job_id: str) -> None:
        """Start a run of a job, unless its slot has come just now."""
        try:
            self.client.json(f"/debug/jobs/{job_id}/run", "POST")
        except NoAnswer as error:
            hold(error.status == HTTPStatus.CONFLICT, str(error))


def it_serves(world: World) -> str:
    """From the start of the container until the database answers through it."""
    took_s = wait_for(world.is_ready, START_TIMEOUT_S, "/readyz answers 200")
    health = world.client.json("/debug/health")
    hold(health["environment"] == "production", f"health says {health}")
    symbols = world.client.json("/api/v1/symbols")["count"]
    user = world.engine.podman("exec", world.container, "id", "-u")
    hold(user != "0", "the service runs as root")
    return f"ready in {took_s:.1f} s as user {user}, {health['memory_mb']:.0f} MB, {symbols} symbols"


def it_knows_its_limit(world: World) -> str:
    """The limit that the service reports is that of the container, not the machine's memory."""
    total_mb = world.client.json("/debug/memory")["current_usage"]["total_mb"]
    hold(total_mb == LIMIT_MB, f"it reports {total_mb} MB")
    return f"it reports {total_mb:g} MB"


def it_can_sample(world: World) -> str:
    """The compiled part of the profiler was built into the image."""
    said = "import profiling.samples._sampler as kernel; print(kernel.__file__)"
    return world.engine.podman("exec", world.container, "python", "-c", said)


def its_health_check_passes(world: World) -> str:
    """The image's own HEALTHCHECK, run in the container; CommandFailed where it says no."""
    command = world.engine.health_check(IMAGE)
    world.engine.podman("exec", world.container, *command)
    return f"{command[0]} ended with status 0"


def a_full_cycle_fits(world: World) -> str:
    """Every job to its end: those of the start, then one after the other, then all at once. As the machine saw it."""
    with PeakWatch(world.state()["Pid"]) as watch:
        _wait_until_quiet(world)
        for job_id in world.jobs():
            world.run(job_id)
            _wait_until_quiet(world)
        for job_id in world.jobs():
            world.run(job_id)
        _wait_until_quiet(world)
    jobs = world.jobs()
    hold(
        all(job["runs"] >= 2 for job in jobs.values()),
        f"runs: { ({job_id: job['runs'] for job_id, job in jobs.items()}) }",
    )
    failed = [f"{job_id}: {job['last_run']['error']}" for job_id, job in jobs.items() if job["failures"]]
    hold(not failed, f"failed: {'; '.join(failed)}")
    percent = watch.peak.percent_of(LIMIT_MB * 2**20)
    seen = (
        f"{', '.join(jobs)}: RSS {watch.peak.rss_bytes / 2**20:.0f} MB, "
        f"container {watch.peak.working_set_bytes / 2**20:.0f} MB at the highest, {percent:.1f} % of the limit"
    )
    hold(percent < PEAK_PERCENT, seen)
    return seen


def health_is_ok(world: World) -> str:
    """After the cycle, before memory is filled."""
    return _health(world, "ok")


def health_warns(world: World) -> str:
    """A job that takes memory up to 79 per cent."""
    _run_hog(world)
    return _health(world, "warning")


def health_is_critical(world: World) -> str:
    """The same job up to 90 per cent."""
    _run_hog(world)
    return _health(world, "critical")


def the_kernel_kills_it(world: World) -> str:
    """The same job over the limit, while other jobs write to the database; podman starts the service again."""
    world.before_kill = world.database.contents()
    restarts, kills = world.engine.inspect(world.container)["RestartCount"], kernel_kills()
    for job_id in world.jobs():
        world.run(job_id)
    world.run(HOG)
    took_s = wait_for(
        lambda: world.engine.inspect(world.container)["RestartCount"] > restarts, HOG_TIMEOUT_S, "it is started again"
    )
    status = world.engine.last_exit_status(world.container)
    hold(status == KILLED, f"it ended with status {status}")
    hold(kernel_kills() > kills, "the kernel killed nobody for want of memory")
    return f"killed for want of memory, status {status}; started again by podman {took_s:.1f} s after the job began"


def it_comes_up_again(world: World) -> str:
    """The next process serves, with memory as at its first start, and its jobs run."""
    took_s = wait_for(world.is_ready, START_TIMEOUT_S, "/readyz answers 200")
    wait_for(lambda: any(_ended(job, 1) for job in world.jobs().values()), CYCLE_TIMEOUT_S, "a job has run")
    return f"ready {took_s:.1f} s later; " + _health(world, "ok")


def the_database_is_whole(world: World) -> str:
    """Nothing that was stored is lost, and no transaction is there by half."""
    hold(world.before_kill is not None, "nobody looked before")
    assert world.before_kill is not None
    now = world.database.contents()
    lost = now.lost_since(world.before_kill)
    hold(not lost, f"rows lost: {lost}")
    symbols = [entry["symbol"] for entry in world.client.json("/api/v1/symbols")["symbols"]]
    half = half_batches(now.batches, symbols, BATCH_SIZE)
    hold(not half, f"symbols whose batch is there by half: {', '.join(sorted(half))}")
    hold(not now.half_chains, f"half chains: {', '.join(now.half_chains)}")
    return f"{', '.join(f'{table} {rows}' for table, rows in now.rows.items())} rows; no batch and no chain by half"


def it_stops_when_told(world: World) -> str:
    """SIGTERM, as a platform sends it: everything is closed, and the status is 0."""
    began_s = time.monotonic()
    world.engine.stop(world.container)
    state = world.state()
    hold(state["ExitCode"] == 0, f"it ended with status {state['ExitCode']}")
    return f"status 0 after {time.monotonic() - began_s:.1f} s"


Check = Callable[[World], str]

CHECKS: tuple[Check, ...] = (
    it_serves,
    it_knows_its_limit,
    it_can_sample,
    its_health_check_passes,
    a_full_cycle_fits,
    health_is_ok,
    health_warns,
    health_is_critical,
    the_kernel_kills_it,
    it_comes_up_again,
    the_database_is_whole,
    it_stops_when_told,
)


def hold(is_so: bool, otherwise: str) -> None:
    """Raise Refuted with what was seen instead."""
    if not is_so:
        raise Refuted(otherwise)


def kernel_kills() -> int:
    """How many processes the kernel has killed for want of memory since the machine started."""
    counters = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return int(counters["oom_kill"])


def half_batches(stored: Iterable[frozenset[str]], symbols: Sequence[str], size: int) -> set[str]:
    """The symbols stored of one time without the rest of their batch of `size`, as prices_1m cuts them."""
    batches = [frozenset(symbols[begin : begin + size]) for begin in range(0, len(symbols), size)]
    half: set[str] = set()
    for of_one_time in stored:
        half.update(*(batch & of_one_time for batch in batches if not batch <= of_one_time))
    return half


def wait_for(is_so: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Ask until it is so; gives how long that took in seconds. Raises Refuted."""
    began_s = time.monotonic()
    while not _answered(is_so):
        hold(time.monotonic() - began_s < timeout_s, f"not within {timeout_s:g} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began_s


def _answered(is_so: Callable[[], bool]) -> bool:
    try:
        return is_so()
    except NoAnswer:
        return False


def _ended(job: dict[str, Any], runs: int) -> bool:
    return bool(job["runs"] >= runs and job["state"] != "running")


def _wait_until_quiet(world: World) -> None:
    """Until a job has run and none is running."""

    def is_quiet() -> bool:
        jobs = world.jobs().values()
        return any(job["runs"] for job in jobs) and all(job["state"] != "running" for job in jobs)

    wait_for(is_quiet, CYCLE_TIMEOUT_S, "no job is running")


def _run_hog(world: World) -> None:
    ended = _hog(world)["runs"]
    world.run(HOG)
    wait_for(lambda: _ended(_hog(world), ended + 1), HOG_TIMEOUT_S, f"a run of {HOG} ends")


def _hog(world: World) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = world.client.json("/debug/jobs")["jobs"]
    return next(job for job in jobs if job["id"] == HOG)


def _health(world: World, expected: str) -> str:
    health = world.client.json("/debug/health")
    seen = f"{health['status']} at {health['memory_percent']} %"
    hold(health["status"] == expected, f"health is {seen}, not {expected}")
    return seen
