"""Measure what the jobs keep, without the profiler.

    python -m tests.real.truth alone [NAME ...]      each job in a process of its own
    python -m tests.real.truth company [NAME ...]    all jobs in one process, in a new random order each round

A line a job: bytes a run by tracemalloc, bytes a run by RSS (in a second process, without tracemalloc), the readings.
Every reading follows a full garbage collection. Tracing starts before the import, so what a cache evicts counts.

In company a block belongs to the job whose file is in its traceback, or whose `RETAINED_BY` is. RSS is read there
before and after each run of a job in `native_growth`, and of no other: the rest of the company moves it too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import inspect
import json
import pathlib
import random
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import psutil

FOLDER = pathlib.Path(__file__).parent
NOT_JOBS = {"__init__", "truth", "test_corpus"}
MAX_FRAMES = 40  # the deepest library between a job and what it allocates
ALONE = (60, 120, 180, 240, 300)  # runs at which an innocent job is read
COMPANY = (60, 90, 120)

process = psutil.Process()


def names() -> list[str]:
    """Return the names of all jobs."""
    return sorted(file.stem for file in FOLDER.glob("*.py") if file.stem not in NOT_JOBS)


def load(name: str) -> ModuleType:
    """Import a job's module."""
    return importlib.import_module(f"{__package__}.{name}")


async def run(job: Callable[[], Any]) -> None:
    """Run a job once, be it a function or a coroutine function."""
    result = job()
    if inspect.isawaitable(result):
        await result


def traced() -> int:
    """Return the bytes in traced blocks, after a full garbage collection."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def resident() -> int:
    """Return the resident set size in bytes, after a full garbage collection."""
    gc.collect()
    return int(process.memory_info().rss)


async def read_one(name: str, read: Callable[[], int]) -> list[int]:
    """Return the readings of one job in this process, at each of `ALONE`."""
    job, readings = load(name).job, []
    for number in range(1, ALONE[-1] + 1):
        await run(job)
        if number in ALONE:
            readings.append(read())
    return readings


def owners(jobs: dict[str, ModuleType]) -> Callable[[Iterable[tuple[str, int]]], str]:
    """Return a function that tells to which job a traceback belongs."""
    files = {str(module.__file__): name for name, module in jobs.items()}
    packages = {f"/{module.RETAINED_BY}/": name for name, module in jobs.items() if hasattr(module, "RETAINED_BY")}

    def owner(traceback: Iterable[tuple[str, int]]) -> str:
        for file, _ in traceback:
            if file in files:
                return files[file]
        for file, _ in traceback:
            for package, name in packages.items():
                if package in file:
                    return name
        return ""

    return owner


def held(owner: Callable[[Iterable[tuple[str, int]]], str]) -> Counter[str]:
    """Return the bytes in traced blocks by job, after a full garbage collection."""
    gc.collect()
    sizes: Counter[Any] = Counter()
    for _, size, traceback, *_ in tracemalloc.take_snapshot().traces._traces:  # type: ignore[attr-defined]
        sizes[traceback] += size
    totals: Counter[str] = Counter()
    for traceback, size in sizes.items():
        totals[owner(traceback)] += size
    return totals


async def read_company(tracing: bool) -> dict[str, list[int]]:
    """Return the readings of each job in the company of all others, at each of `COMPANY`."""
    jobs = {name: load(name) for name in names()}
    native = {name for name, module in jobs.items() if module.VERDICT == "native_growth"}
    owner, order, rng = owners(jobs), list(jobs), random.Random(1)
    grown: Counter[str] = Counter()
    readings: dict[str, list[int]] = {name: [] for name in (jobs if tracing else native)}
    for number in range(1, COMPANY[-1] + 1):
        rng.shuffle(order)
        for name in order:
            if tracing or name not in native or number <= COMPANY[0]:
                await run(jobs[name].job)
                continue
            gc.freeze()  # what the others left is neither freed within this run nor slows its collections
            before = resident()
            await run(jobs[name].job)
            grown[name] += resident() - before
            gc.unfreeze()
        if number in COMPANY:
            totals = held(owner) if tracing else grown
            for name, values in readings.items():
                values.append(totals[name])
    return readings


def child(*words: str) -> Any:
    """Return what this module measures in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.truth", "child", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def pace(readings: list[int], runs: tuple[int, ...]) -> str:
    """Return bytes a run between the first and the last reading, as text."""
    return f"{(readings[-1] - readings[0]) / (runs[-1] - runs[0]):,.0f}" if readings else "-"


def main() -> None:
    """Measure, and print a line a job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("how", choices=["alone", "company", "child"])
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.how == "child":
        name, mode = arguments.names
        if mode == "traced":
            tracemalloc.start(MAX_FRAMES if name == "company" else 1)
        reader = read_company(mode == "traced") if name == "company" else read_one(name, globals()[mode])
        print(json.dumps(asyncio.run(reader)))  # noqa: T201
        return
    company = arguments.how == "company"
    both = [child("company", mode) for mode in ("traced", "resident")] if company else []
    runs = COMPANY if company else ALONE
    for name in arguments.names or names():
        if company:
            heap, rss = both[0][name], both[1].get(name, [])
        else:
            heap, rss = child(name, "traced"), child(name, "resident")
        print(name, pace(heap, runs), pace(rss, runs), [value // 1024 for value in heap])  # noqa: T201


if __name__ == "__main__":
    main()
