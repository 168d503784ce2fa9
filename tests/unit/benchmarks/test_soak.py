"""The soak's clock goes faster, and its verdict tells a good day from a bad one."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from benchmarks.soak import DAY_RUNS, by_hour, requests, what_is_wrong
from benchmarks.soaked import ScaledClock
from tests.container.checks import half_batches

STEADY = [60.0] * 24


def jobs(**changes: Any) -> dict[str, dict[str, Any]]:
    """A day on which all went well, but for what `changes` says of prices_1m."""
    good = {"failures": 0, "verdict": {"state": "stable"}, "last_run": None}
    of_the_day: dict[str, dict[str, Any]] = {job_id: good | {"runs": runs} for job_id, runs in DAY_RUNS.items()}
    of_the_day["prices_1m"] |= changes
    return of_the_day


def test_nothing_is_wrong_with_a_day_of_all_runs_and_stable_jobs() -> None:
    assert list(what_is_wrong(jobs(), STEADY)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"runs": 719}, "prices_1m ran 719 times, not 720"),
        ({"failures": 2, "last_run": {"error": "OSError: no"}}, "prices_1m failed 2 times, the last time: OSError: no"),
        ({"verdict": {"state": "leaking"}}, "prices_1m is leaking"),
        ({"verdict": None}, "prices_1m is not judged"),
    ],
)
def test_a_job_that_did_not_have_a_good_day_is_told(changes: dict[str, Any], said: str) -> None:
    assert list(what_is_wrong(jobs(**changes), STEADY)) == [said]


def test_a_job_of_the_day_that_is_not_there_is_told() -> None:
    there = jobs()
    del there["iv_metrics"]

    assert list(what_is_wrong(there, STEADY)) == ["there is no job iv_metrics"]


@pytest.mark.parametrize(
    ("last_mb", "said"), [(63.0, []), (63.1, ["the RSS of the last hour is +5.2% of that after the first"])]
)
def test_the_last_hour_may_be_5_per_cent_away_from_that_after_the_first(last_mb: float, said: list[str]) -> None:
    assert list(what_is_wrong(jobs(), [50.0, *STEADY[2:], last_mb])) == said


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

    assert 0.02 <= time.monotonic() - began_s < 2.0
    now = clock.now()
    assert now.monotonic_s - began.monotonic_s >= 20.0
    assert (now.wall - began.wall).total_seconds() == pytest.approx(now.monotonic_s - began.monotonic_s, abs=1e-3)


def test_a_batch_of_which_only_a_part_was_stored_is_found() -> None:
    symbols = ["A", "B", "C", "D", "E"]
    whole = [frozenset("AB"), frozenset("CDE"), frozenset("ABCDE"), frozenset("E")]

    assert half_batches(whole, symbols, 2) == set()
    assert half_batches([frozenset("ABC")], symbols, 2) == {"C"}
