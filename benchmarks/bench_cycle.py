"""A cycle of all jobs over the S&P 500: what it takes in memory, in time, and of the loop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results

CYCLES = 10
PEAK_TARGET_MB = 300
STALL_TARGET_MS = 100


@pytest.mark.timeout(600)
def test_ten_cycles_of_all_jobs(benchmark: BenchmarkFixture, results: Results, database_url: str) -> None:
    told: dict[str, Any] = benchmark.pedantic(  # type: ignore[no-untyped-call]
        cycles, args=(CYCLES, database_url, "adaptive"), rounds=1
    )
    for job, figures in told["jobs"].items():
        results.add(
            what=f"{job}: peak RSS of the process in it, 503 symbols, 750,000 contracts listed; takes "
            f"{figures['seconds']:.2f} s, longest stall {told['stalls_ms'][job]:.0f} ms",
            ours=f"{figures['peak_mb']:.0f} MB",
            against=f"target: {PEAK_TARGET_MB} MB",
            ratio=PEAK_TARGET_MB / figures["peak_mb"],
        )
    after_mb = told["after_mb"]
    results.add(
        what="RSS after ten cycles less that after the third",
        ours=f"{after_mb[9] - after_mb[2]:+.1f} MB, of {after_mb[9]:.0f} MB",
        against="target: within 10 MB",
    )
    results.add(
        what=f"/livez while the jobs run, 99th percentile of {told['livez_probes']:,} requests",
        ours=f"{told['livez_p99_ms']:.1f} ms",
        against=f"target: {STALL_TARGET_MS} ms",
        ratio=STALL_TARGET_MS / told["livez_p99_ms"],
    )


def cycles(count: int, database_url: str, profiling: str) -> dict[str, Any]:
    """Return what a process that runs so many cycles prints."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.cycles", str(count), database_url],
        env=os.environ | {"PROFILING": profiling, "MARKET_SOURCE": "simulated"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=500,
    )
    told: dict[str, Any] = json.loads(answer.stdout)
    return told
