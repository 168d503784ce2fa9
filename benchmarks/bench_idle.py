"""What the service takes when it has little to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.load import load
from benchmarks.results import Results
from benchmarks.servers import server

TARGET_MB = 130


@pytest.mark.parametrize("profiling", ["adaptive", "lines"])
def test_rss_of_the_idle_service(profiling: str, benchmark: BenchmarkFixture, results: Results, tmp_path: Path) -> None:
    environment = {"PORT": "0", "PROFILING": profiling, "PRICES_INTERVAL_S": "2", "VOLARIS_DATA_DIR": str(tmp_path)}
    with server(["-m", "volaris", "serve"], environment, tmp_path) as (process, port):
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            load, args=(port, "/debug/jobs"), kwargs={"seconds": 10.0}, rounds=1
        )
        rss_mb = process.memory_info().rss / 2**20
        log = (tmp_path / "log.txt").read_text()
    assert log.count("job_completed") >= 2
    results.add(
        what=f"RSS of the service after runs of prices_1m, database server not counted, PROFILING={profiling}",
        ours=f"{rss_mb:.0f} MB",
        against=f"target: {TARGET_MB} MB",
        ratio=TARGET_MB / rss_mb,
    )
