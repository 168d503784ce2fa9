"""Measure what the jobs keep, without the profiler.

    python -m tests.real.truth alone [NAME ...]      each job in a process of its own
    python -m tests.real.truth company [NAME ...]    all jobs in one process, in a new random order each round
    python -m tests.real.truth innocents             all innocent jobs in one process, their sum

A line a job: bytes a run by tracemalloc, in the C heap and of RSS (each in a process of its own), and the KB traced.
Every reading follows a garbage collection. Tracing starts before the import, so what a cache evicts counts.

In company each run is read before and after, and the changes are added up. What the others left is frozen meanwhile:
it is not freed within this run, and a collection costs little. Cyclic garbage out of earlier rounds is freed between
rounds and is nobody's, so a cache that evicts cycles appears to grow there; `innocents` shows that it does not.
"""

from __future__ import annotations

import asyncio
import ctypes
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
from collections.abc import Callable
from types import ModuleType
from typing import Any

import psutil

TOOLS = {"__init__", "score", "test_corpus", "traffic", "truth"}
JOBS = sorted({file.stem for file in pathlib.Path(__file__).parent.glob("*.py")} - TOOLS)
ALONE = (60, 120, 180, 240, 300)  # runs at which a job is read
COMPANY = (60, 90, 120)

process = psutil.Process()


async def run(module: ModuleType) -> None:
    """Run a job once, be it a function or a coroutine function."""
    result = module.job()
    if inspect.isawaitable(result):
        await result
    del result
    for _ in range(5):
        await asyncio.sleep(0)  # what the loop still holds of this run would be freed within the next one


def traced() -> int:
    """Return the bytes in traced blocks, after a garbage collection."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


class MallInfo(ctypes.Structure):
    """What glibc says of the C heap."""

    _fields_ = (("sizes", ctypes.c_size_t * 10),)


mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = MallInfo


def c_heap() -> int:
    """Return the bytes in use in the C heap, after a garbage collection. Free space that a job reuses counts."""
    gc.collect()
    sizes = mallinfo2().sizes
    return int(sizes[4] + sizes[7])  # mapped for large blocks, and in use in the arenas


def resident() -> int:
    """Return the resident set size in bytes, after a garbage collection."""
    gc.collect()
    return int(process.memory_info().rss)


READS = {function.__name__: function for function in (traced, c_heap, resident)}


async def read_sum(jobs: list[str], read: Callable[[], int]) -> dict[str, list[int]]:
    """Return the readings of the process while these jobs run in turn, at each of `ALONE`."""
    rng, readings, modules = random.Random(1), [], [importlib.import_module(f"{__package__}.{name}") for name in jobs]
    for number in range(1, ALONE[-1] + 1):
        rng.shuffle(modules)
        for module in modules:
            await run(module)
        if number in ALONE:
            readings.append(read())
    return {jobs[0] if len(jobs) == 1 else "sum": readings}


async def read_each(jobs: list[str], read: Callable[[], int]) -> dict[str, list[int]]:
    """Return what each of these jobs has added to the process while all run in turn, at each of `COMPANY`."""
    modules = {name: importlib.import_module(f"{__package__}.{name}") for name in jobs}
    rng, grown = random.Random(1), Counter[str]()
    readings: dict[str, list[int]] = {name: [] for name in jobs}
    for number in range(1, COMPANY[-1] + 1):
        rng.shuffle(jobs)
        for name in jobs:
            gc.freeze()
            before = read()
            await run(modules[name])
            grown[name] += read() - before
        gc.unfreeze()
        if number % 10 == 0:
            gc.collect()
        for name in jobs if number in COMPANY else ():
            readings[name].append(grown[name])
    return readings


def child(how: str, read: str, jobs: list[str]) -> Any:
    """Return what this module measures in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.truth", f"{how}:{read}", *jobs]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def report(how: str, jobs: list[str]) -> None:
    """Measure in three processes, and print a line a job."""
    runs = COMPANY if how == "company" else ALONE
    heap, *others = (child(how, read, jobs) for read in READS)
    for name, values in sorted(heap.items()):
        each = (values, *(other[name] for other in others))
        paces = (f"{(readings[-1] - readings[0]) / (runs[-1] - runs[0]):,.0f}" for readings in each)
        print(name, *paces, [value // 1024 for value in values], flush=True)  # noqa: T201


def main() -> None:
    """Measure what was asked for."""
    how, _, read = sys.argv[1].partition(":")
    jobs = sys.argv[2:] or [name for name in JOBS if how != "innocents" or name.endswith("_ok")]
    if read:
        if read == "traced":
            tracemalloc.start()
        readings = asyncio.run((read_each if how == "company" else read_sum)(jobs, READS[read]))
        print(json.dumps(readings))  # noqa: T201
    elif how == "alone":
        for name in jobs:
            report(how, [name])
    else:
        report(how, jobs)


if __name__ == "__main__":
    main()
