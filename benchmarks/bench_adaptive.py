"""What watching Volaris' own jobs costs, by each way to do it, and whether it finds a leak of 1 MB a run."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results
from tests.postgres import fresh_database

RUNS = 200
COSTLY_RUNS = 20
LEAKING_RUNS = 65
TARGET_RUNS = 40  # for a leak of two thousandths of the limit; docs/levels.md says how long which leak is watched
ROUNDS = {"adaptive": 3, "samples": 1, "counters": 1}  # three of what has a target: a pair takes half a minute
COSTLY_WAYS = ("lines", "stdlib", "memray")


@pytest.fixture
def other_database_url(postgres_url: str, template: str) -> Iterator[str]:
    yield from fresh_database(postgres_url, template)


@pytest.mark.timeout(1200)
def test_cpu_time_of_watched_runs(
    benchmark: BenchmarkFixture, results: Results, database_url: str, other_database_url: str
) -> None:
    ratios: dict[str, float] = benchmark.pedantic(  # type: ignore[no-untyped-call]
        measured, args=(database_url, other_database_url), rounds=1
    )
    for way, ratio in ratios.items():
        runs = RUNS if way in ROUNDS else COSTLY_RUNS
        results.add(
            what=f"CPU time of {runs} runs of prices_1m and options_refresh, {NAMES[way]}",
            ours=f"{ratio:.3f} times",
            against="the same runs unwatched",
            ratio=1 / ratio,
        )


NAMES = {
    "adaptive": "PROFILING=adaptive",
    "samples": "PROFILING=samples",
    "counters": "PROFILING=counters",
    "lines": "PROFILING=lines",
    "stdlib": "tracemalloc's snapshots and compare_to",
    "memray": "memray's Tracker with Python allocators",
}


def measured(*database_urls: str) -> dict[str, float]:
    """Each way's CPU time a run to the unwatched one's: the median of pairs.

    The two of a pair run beside each other, so that what else the machine does meets both alike: one after the other,
    the unwatched runs alone differed by 10 % from pair to pair, and so by 3 %.
    """
    costly = [way for way in COSTLY_WAYS if way != "memray" or importlib.util.find_spec("memray")]
    return {way: median(ratios(way, *database_urls)) for way in (*ROUNDS, *costly)}


def ratios(way: str, *database_urls: str) -> Iterator[float]:
    """Yield the ratio of each pair."""
    for round_number in range(ROUNDS.get(way, 1)):
        runs = RUNS if way in ROUNDS else COSTLY_RUNS
        pair = ["off", way] if round_number % 2 == 0 else [way, "off"]
        with ExitStack() as both:
            sides = [
                both.enter_context(watching(side, runs, url)) for side, url in zip(pair, database_urls, strict=True)
            ]
            cpu_ms = {side: told(process)["cpu_ms_a_run"] for side, process in zip(pair, sides, strict=True)}
        yield cpu_ms[way] / cpu_ms["off"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["adaptive", "samples", "lines"])
def test_leak_of_1_mb_of_512_a_run_is_found(
    way: str, benchmark: BenchmarkFixture, results: Results, database_url: str
) -> None:
    answer = benchmark.pedantic(watched, args=(way, LEAKING_RUNS, database_url, "leak"), rounds=1)  # type: ignore[no-untyped-call]
    assert answer["found_after"] is not None
    results.add(
        what=f"runs until a leak of 1 MB of 512 a run, from run 21 on, is told with its line, PROFILING={way}",
        ours=str(answer["found_after"]),
        against=f"target: {TARGET_RUNS}",
        ratio=TARGET_RUNS / answer["found_after"],
    )


def watched(way: str, runs: int, database_url: str, *words: str) -> dict[str, Any]:
    """Return what a process that runs the jobs at this level prints."""
    with watching(way, runs, database_url, *words) as process:
        return told(process)


def watching(way: str, runs: int, database_url: str, *words: str) -> subprocess.Popen[str]:
    """Start a process that runs the jobs at this level."""
    command = [sys.executable, "-m", "benchmarks.watched_runs", way, str(runs), database_url, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what the process prints at its end."""
    output, _ = process.communicate(timeout=280)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    answer: dict[str, Any] = json.loads(output)
    return answer
