"""The soak's clock goes faster, and its verdict tells a good day from a bad one."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from typing import Any

import pytest

from benchmarks.soak import DAY_RUNS, accused_jobs, by_hour, drift, requests, what_is_wrong
from benchmarks.soak_jobs import INNOCENTS, LEAK, LEAKING_LINE, RUNS, soak_jobs
from benchmarks.soaked import ScaledClock
from tests.container.checks import half_batches
from volaris.scheduler import Job

STEADY = [60.0] * 24


def jobs(**changes: Any) -> dict[str, dict[str, Any]]:
    """A day on which all went well, but for what `changes` says of prices_1m."""
    good = {"failures": 0, "verdict": {"state": "stable"}, "last_run": None}
    of_the_day: dict[str, dict[str, Any]] = {job_id: good | {"runs": runs} for job_id, runs in DAY_RUNS.items()}
    of_the_day |= {job_id: good | {"runs": RUNS} for job_id in INNOCENTS}
    of_the_day["prices_1m"] |= changes
    return of_the_day


def with_leak(state: str, line: int) -> dict[str, dict[str, Any]]:
    """A good day on which the leak was told so, at this line."""
    suspect = {"site": {"file": "benchmarks/soak_jobs.py", "line": line}}
    verdict = {"state": state, "suspects": [suspect] if state == "leaking" else []}
    return jobs() | {LEAK: {"failures": 0, "runs": RUNS, "last_run": None, "verdict": verdict}}


def test_nothing_is_wrong_with_a_day_of_all_runs_and_stable_jobs() -> None:
    assert list(what_is_wrong(jobs(), accused=[])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"runs": 719}, "prices_1m ran 719 times, not 720"),
        ({"failures": 2, "last_run": {"error": "OSError: no"}}, "prices_1m failed 2 times, the last time: OSError: no"),
        ({"verdict": {"state": "leaking"}}, "prices_1m is leaking"),
        ({"verdict": {"state": "native_growth"}}, "prices_1m is native_growth"),
        ({"verdict": {"state": "insufficient_runs"}}, "prices_1m is insufficient_runs"),
        ({"verdict": None}, "prices_1m is not judged"),
    ],
)
def test_a_job_that_did_not_have_a_good_day_is_told(changes: dict[str, Any], said: str) -> None:
    assert list(what_is_wrong(jobs(**changes), accused=[])) == [said]


def test_a_job_of_the_day_that_is_not_there_is_told() -> None:
    there = jobs()
    del there["iv_metrics"]

    assert list(what_is_wrong(there, accused=[])) == ["there is no job iv_metrics"]


def test_a_job_may_grow_and_an_innocent_is_never_accused() -> None:
    [innocent, *_] = INNOCENTS
    there = jobs(verdict={"state": "growing"})
    there[innocent] |= {"verdict": {"state": "growing"}}
    assert list(what_is_wrong(there, accused=[])) == []
    there[innocent] |= {"verdict": {"state": "leaking"}}
    assert list(what_is_wrong(there, accused=[innocent])) == [f"{innocent} was accused", f"{innocent} is leaking"]


def test_an_accusation_that_was_withdrawn_is_found_in_the_log() -> None:
    begin = "2026-08-03 16:00:00 - WARNING - "
    log = (
        f'{begin}job_grows - job_id="(outside jobs)" state=leaking\n{begin}job_grows - job_id=prices_1m state=leaking\n'
    )
    assert accused_jobs(log + f"{begin}job_failed - job_id=iv_metrics\n") == ["(outside jobs)", "prices_1m"]
    assert list(what_is_wrong(jobs(), accused=["prices_1m"])) == ["prices_1m was accused"]


def test_the_leak_has_to_be_told_with_its_line() -> None:
    told, missed = with_leak("leaking", LEAKING_LINE), with_leak("stable", LEAKING_LINE)
    assert list(what_is_wrong(told, accused=[LEAK], leaks=True)) == []
    for there, state in ((missed, "stable"), (with_leak("leaking", LEAKING_LINE + 1), "leaking")):
        wrong = list(what_is_wrong(there, accused=[], leaks=True))
        assert wrong == [f"{LEAK} is {state}, and not leaking at line {LEAKING_LINE}"]
    assert list(what_is_wrong(jobs(), accused=[], leaks=True)) == [f"there is no job {LEAK}"]


async def test_the_jobs_beside_keep_what_they_say() -> None:
    told = {job.id: job for job in soak_jobs(leaks=True)}
    assert list(told) == [*INNOCENTS, LEAK]
    assert [job.id for job in soak_jobs(leaks=False)] == list(INNOCENTS)
    kept_bytes = {job.id: await _grows_by(job, runs=100) for job in told.values()}
    assert kept_bytes.pop(LEAK) == pytest.approx(100 * 20_000, rel=0.05)
    assert max(kept_bytes.values()) < 100 * 4_096  # what may be accused


async def _grows_by(job: Job, runs: int) -> int:
    """Run the job until it is full and then so often, and return the bytes that it keeps more since."""
    tracemalloc.start()
    try:
        for _ in range(50):
            await job.run()
        gc.collect()
        full_bytes, _ = tracemalloc.get_traced_memory()
        for _ in range(runs):
            await job.run()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - full_bytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("last_mb", "said"), [(63.0, []), (63.1, ["the RSS of the last hour is +5.2% away from that of the fourth"])]
)
def test_the_last_hour_may_be_5_per_cent_away_from_that_of_the_fourth(last_mb: float, said: list[str]) -> None:
    assert list(drift([50.0, 55.0, 58.0, *STEADY[4:], last_mb])) == said


def test_an_hour_is_told_by_its_median() -> None:
    assert by_hour([1.0, 9.0, 2.0, 4.0, 4.0, 4.0], hour_s=1.5) == [2.0, 4.0]


def test_requests_take_turns_over_routes_that_need_no_more_than_a_symbol() -> None:
    document: dict[str, Any] = {
        "paths": {"/p/{symbol}": {"get": {}}, "/p/{symbol}/{day}": {"get": {}}, "/jobs": {"post": {}}}
    }
    paths = requests({"symbols": [{"symbol": "A"}, {"symbol": "B"}]}, document, ["prices_1m"])

    asked = [next(paths) for _ in range(7)]

    assert asked[0] == "/p/A"
    assert asked[4] == "/api/v1/debug/memory/diff?job=prices_1m"
    assert asked[5:] == ["/api/v1/debug/memory", "/p/B"]


async def test_a_scaled_clock_goes_faster_and_wakes_in_its_own_time() -> None:
    clock = ScaledClock(pace=1000.0)
    began, woken = clock.now(), asyncio.Event()
    began_s = time.monotonic()

    clock.call_at(began.monotonic_s + 20.0, woken.set)
    await woken.wait()

    assert 0.02 <= time.monotonic() - began_s < 20.0  # which they would be by an unscaled clock
    now = clock.now()
    assert now.monotonic_s - began.monotonic_s >= 20.0
    assert (now.wall - began.wall).total_seconds() == pytest.approx(now.monotonic_s - began.monotonic_s, abs=1e-3)


def test_a_batch_of_which_only_a_part_was_stored_is_found() -> None:
    symbols = ["A", "B", "C", "D", "E"]
    whole = [frozenset("AB"), frozenset("CDE"), frozenset("ABCDE"), frozenset("E")]

    assert half_batches(whole, symbols, 2) == set()
    assert half_batches([frozenset("ABC")], symbols, 2) == {"C"}
