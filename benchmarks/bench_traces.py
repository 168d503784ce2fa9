"""A run's table and diff against what the standard library offers, at a million and at a hundred thousand live traces.

Each variant runs in a process of its own, with a heap of small objects from a few hundred lines, and is watched from
outside: the sum of PSS over the process and its children counts a forked child's pages, and each shared one once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, Self

import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results

MILLION = 1_000_000
HUNDRED_THOUSAND = 100_000
ROUNDS = 3

HEAP = """
import asyncio, json, sys, time, tracemalloc
from profiling.compare import diff
from profiling.traces.reader import TraceReader
from profiling.source import SourceReader

def heap(traces_wanted):
    lines = "\\n".join(f"def f{i}(): return [{{}} for _ in range({traces_wanted} // 200 - 2)]" for i in range(200))
    scope = {}
    exec(compile(lines, "heap.py", "exec"), scope)
    return [scope[f"f{i}"]() for i in range(200)]

tracemalloc.start()
kept = heap(int(sys.argv[1]))

def ready():
    print("ready", flush=True)
    sys.stdin.readline()

def grow():
    kept.append([{} for _ in range(1000)])
"""

STANDARD = """
ready()
began = time.perf_counter()
before = tracemalloc.take_snapshot()
grow()
after = tracemalloc.take_snapshot()
changes = after.compare_to(before, "lineno")
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "largest": max(change.size_diff for change in changes)}), flush=True)
sys.stdin.readline()
"""

OURS = """
async def measure():
    reader = TraceReader()
    before = await reader.read_async(1)
    grow()
    after = await reader.read_async(1)
    changes = diff.largest(after.table.changed_since(before.table), 20)
    return before, after, changes

ready()
began = time.perf_counter()
before, after, changes = asyncio.run(measure())
seconds = time.perf_counter() - began
stall = max(before.cost.stall_s, after.cost.stall_s)
print(json.dumps({"seconds": seconds, "largest": changes[0][1], "stall_s": stall}), flush=True)
sys.stdin.readline()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One variant in one process."""

    seconds: float
    extra_peak_bytes: int  # of the process and its children
    extra_own_bytes: int  # of the process alone
    answer: dict[str, Any]


def measure(variant: str, traces: int) -> Measured:
    """Build the heap, then time and watch one variant."""
    with subprocess.Popen(
        [sys.executable, "-c", HEAP + variant, str(traces)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        with PeakOfPss(process.pid) as peak:
            process.stdin.write("go\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
        process.stdin.write("end\n")
    return Measured(
        seconds=answer["seconds"],
        extra_peak_bytes=peak.extra_bytes,
        extra_own_bytes=peak.extra_own_bytes,
        answer=answer,
    )


class PeakOfPss:
    """Reads the PSS of a process and its children again and again, in a thread, and keeps the highest sum."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-of-pss")
        self._base_bytes = self._peak_bytes = self._pss_bytes()
        self._own_base_bytes = self._own_peak_bytes = self._process.memory_info().rss

    @property
    def extra_bytes(self) -> int:
        return self._peak_bytes - self._base_bytes

    @property
    def extra_own_bytes(self) -> int:
        return self._own_peak_bytes - self._own_base_bytes

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self._peak_bytes = max(self._peak_bytes, self._pss_bytes())
            self._own_peak_bytes = max(self._own_peak_bytes, self._process.memory_info().rss)

    def _pss_bytes(self) -> int:
        total = 0
        for process in (self._process, *self._process.children()):
            try:
                total += process.memory_full_info().pss
            except psutil.Error:  # a child that has ended meanwhile
                continue
        return total


@pytest.mark.parametrize("traces", [MILLION, HUNDRED_THOUSAND], ids=["1M", "100k"])
def test_table_and_diff_against_take_snapshot_and_compare_to(
    traces: int, benchmark: BenchmarkFixture, results: Results
) -> None:
    standard, ours = [], []
    for _ in range(ROUNDS):  # in turn, so that what else the machine does meets both
        standard.append(measure(STANDARD, traces))
        ours.append(measure(OURS, traces))
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        measure, args=(OURS, traces), rounds=1
    )
    theirs_s, ours_s = min(m.seconds for m in standard), min(m.seconds for m in ours)
    theirs_bytes, ours_bytes = min(m.extra_peak_bytes for m in standard), min(m.extra_peak_bytes for m in ours)
    stall_s = min(m.answer["stall_s"] for m in ours)
    assert all(m.answer["largest"] > 0 for m in standard + ours)
    what = f"table and diff of two runs, {traces:,} live traces"
    against = "take_snapshot + compare_to"
    results.add(
        what=f"{what}: time",
        ours=f"{ours_s:.2f} s",
        against=f"{against}: {theirs_s:.2f} s",
        ratio=theirs_s / ours_s,
    )
    results.add(
        what=f"{what}: extra peak memory, children included",
        ours=f"{ours_bytes / 2**20:.0f} MB",
        against=f"{against}: {theirs_bytes / 2**20:.0f} MB",
        ratio=theirs_bytes / ours_bytes,
    )
    theirs_own, ours_own = min(m.extra_own_bytes for m in standard), min(m.extra_own_bytes for m in ours)
    results.add(
        what=f"{what}: extra peak memory in the process itself",
        ours=f"{ours_own / 2**20:.1f} MB",
        against=f"{against}: {theirs_own / 2**20:.0f} MB",
        ratio=theirs_own / max(1, ours_own),
    )
    results.add(
        what=f"{what}: longest stall of the loop",
        ours=f"{stall_s * 1e3:.1f} ms",
        against=f"{against}, in one piece: {theirs_s * 1e3:.0f} ms",
        ratio=theirs_s / stall_s,
    )
