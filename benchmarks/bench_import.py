"""What `import profiling` takes, beside what it stands on and what a web service imports anyway."""

from __future__ import annotations

import statistics
import subprocess
import sys

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results

PROCESSES = 15
TARGET_MS, TARGET_MB = 30, 5

IMPORT = """
import asyncio, psutil, time
def rss():
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * 4096
rss()
before, began = rss(), time.process_time()
import {module}
print(1e3 * (time.process_time() - began), (rss() - before) / 1e6)
"""


def test_import_of_the_profiler(benchmark: BenchmarkFixture, results: Results) -> None:
    pairs = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: [(_import("profiling"), _import("aiohttp")) for _ in range(PROCESSES)], rounds=1
    )
    ours_ms, ours_mb, theirs_ms, theirs_mb = (
        statistics.median(figures) for figures in zip(*(a + b for a, b in pairs), strict=True)
    )
    results.add(
        what=f"CPU time of `import profiling` after asyncio and psutil (target: {TARGET_MS} ms)",
        ours=f"{ours_ms:.0f} ms",
        against=f"import aiohttp: {theirs_ms:.0f} ms",
        ratio=theirs_ms / ours_ms,
    )
    results.add(
        what=f"RSS of `import profiling` after asyncio and psutil (target: {TARGET_MB} MB)",
        ours=f"{ours_mb:.1f} MB",
        against=f"import aiohttp: {theirs_mb:.1f} MB",
        ratio=theirs_mb / ours_mb,
    )


def _import(module: str) -> tuple[float, float]:
    """Return the CPU time in ms and the RSS in MB that the import takes in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(module=module)], check=True, capture_output=True, text=True
    )
    milliseconds, size_mb = map(float, done.stdout.split())
    return milliseconds, size_mb
