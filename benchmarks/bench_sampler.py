"""What sampling every 64 KB costs: run time beside tracemalloc, memray and ddtrace, and its memory and stalls.

Each tool runs in a process of its own, in pairs: the load with the tool and the load without it, in turn, so that what
else the machine does meets both; the median of the pairs' ratios counts. Plain is without hooks: between the pairs ours
are taken out, which only a benchmark may do. memray and ddtrace are left out where they are not installed.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results
from profiling.samples import sampler

LOADS = """
import asyncio, gc, json, statistics, sys, tempfile, time
import numpy as np, orjson, pandas as pd

ROWS = [
    {"symbol": f"S{i}", "price": i * 1.1, "bid": i * 1.0, "ask": i * 1.2, "volume": i * 10, "name": "x" * 20 + str(i)}
    for i in range(5_000)
]
DOCUMENT = orjson.dumps(ROWS)

def rows(): return orjson.loads(DOCUMENT)
def frame(): return pd.DataFrame(ROWS)
def dicts(): return [{"a": i, "b": str(i)} for i in range(20_000)]
def deep(frames=20): return dicts() if frames == 0 else deep(frames - 1)

def arithmetic():
    values = np.arange(200_000, dtype=float)
    for _ in range(20): values = values * 1.0001 + 1
    return values

class Nowhere:
    async def save(self, rows): return len(rows)
    async def replace(self, chains): return len(chains)

class Few:
    def __init__(self, source): self.source, self.chain = source, source.chain
    async def symbols(self): return (await self.source.symbols())[:5]

def prices_job():
    from volaris.jobs.prices import sync_prices
    from volaris.market import create_source
    source, loop = create_source("simulated"), asyncio.new_event_loop()
    return lambda: loop.run_until_complete(sync_prices(source, Nowhere(), 25))

def options_job():
    from volaris.jobs.options import refresh_options
    from volaris.market import ChainBounds, create_source
    source, loop = Few(create_source("simulated")), asyncio.new_event_loop()
    return lambda: loop.run_until_complete(refresh_options(source, Nowhere(), 25, ChainBounds()))

LOADS = {"orjson.loads of 5,000 rows": rows, "rows to DataFrame": frame, "20,000 small dicts": dicts,
         "NumPy arithmetic": arithmetic, "the same dicts 20 frames deep": deep, "Volaris' job prices_1m": prices_job(),
         "Volaris' job options_refresh, 5 symbols": options_job()}
"""

TOOLS = """
class Plain:
    def on(self): pass
    def off(self): pass

class Samples:
    def __init__(self, is_on):
        from profiling.samples import sampler
        from profiling.samples import _sampler
        self.sampler, self.extension, self.is_on = sampler, _sampler, is_on
    def on(self):
        self.extension.install()
        if self.is_on:
            self.sampler.start(65_536)
            self.before = self.sampler.set_current_job("job")
    def off(self):
        if self.is_on: self.sampler.set_current_job(self.before)
        self.sampler.stop()
        self.extension.lift()
        assert not self.extension.is_installed()

class Tracemalloc:
    def __init__(self, frames): self.frames = frames
    def on(self):
        import tracemalloc
        tracemalloc.start(self.frames)
    def off(self):
        import tracemalloc
        tracemalloc.stop()

class Memray:
    def on(self):
        import memray
        self.file = tempfile.NamedTemporaryFile()
        to = memray.FileDestination(self.file.name, overwrite=True)
        self.tracker = memray.Tracker(destination=to, trace_python_allocators=True)
        self.tracker.__enter__()
    def off(self):
        self.tracker.__exit__(None, None, None)
        self.file.close()

class Ddtrace:
    def __init__(self):
        from ddtrace.profiling.collector import _memalloc
        self.memalloc = _memalloc
    def on(self): self.memalloc.start(64, 65_536, sys.version_info >= (3, 12))
    def off(self): self.memalloc.stop()

MAKE = {"samples": lambda: Samples(True), "off": lambda: Samples(False), "tracemalloc 1 frame": lambda: Tracemalloc(1),
        "tracemalloc 25 frames": lambda: Tracemalloc(25), "memray": Memray, "ddtrace": Ddtrace}
"""

PAIRS = """
def seconds(load, times, tool):
    tool.on()
    began = time.perf_counter()
    for _ in range(times): load()
    took = time.perf_counter() - began
    tool.off()
    return took

def slowdown(load, tool, budget_s, unit_s):
    load()
    times = max(1, round(unit_s / min(seconds(load, 1, Plain()) for _ in range(3))))
    ratios, until = [], time.perf_counter() + budget_s
    while len(ratios) < 2 or (time.perf_counter() < until and len(ratios) < 101):
        gc.collect()
        if len(ratios) % 2:
            with_it, plain = seconds(load, times, tool), seconds(load, times, Plain())
        else:
            plain, with_it = seconds(load, times, Plain()), seconds(load, times, tool)
        ratios.append(with_it / plain)
    return statistics.median(ratios)

tool, budget_s, unit_s = MAKE[sys.argv[1]](), float(sys.argv[2]), float(sys.argv[3])
print(json.dumps({name: slowdown(load, tool, budget_s, unit_s) for name, load in LOADS.items()}))
"""

HEAP = """
import gc, json, sys, time
import psutil
from profiling import Level, Profiler
from profiling.samples import sampler

LINE = "def f{0}(depth=15): return f{0}(depth - 1) if depth else [bytes(100) for _ in range(450)]"
lines = "\\n".join(LINE.format(number) for number in range(200))
scope = {}
exec(compile(lines, "heap.py", "exec"), scope)
uss = psutil.Process().memory_full_info().uss
if sys.argv[1] == "samples":
    sampler.start(1_024, seed=1)
    with sampler.labelled("job"): kept = [scope[f"f{i}"]() for i in range(200)]
else:
    kept = [scope[f"f{i}"]() for i in range(200)]
answer = {"uss": psutil.Process().memory_full_info().uss - uss}
if sys.argv[1] == "samples":
    answer["alive"], answer["stalls"] = sampler.statistics().alive, []
    profiler = Profiler(level=Level.SAMPLES)
    for _ in range(20):
        with profiler.run("job") as run: kept.append(scope["f0"]())
        assert run.profile.samples is not None
        answer["stalls"].append(run.profile.cost.stall_s)
print(json.dumps(answer))
"""

BIRTHS = """
import json, time
import psutil
from profiling.samples import sampler

LINE = '''
def f{0}(at, depth=15):
    if depth: return f{0}(at, depth - 1)
    for i in PLACES: kept[at + i] = bytes(100)
'''
PLACES = range(6)
kept = [None] * (200 * 50 * len(PLACES))
scope = {"kept": kept, "PLACES": PLACES}
exec(compile("".join(LINE.format(number) for number in range(200)), "births.py", "exec"), scope)
functions = [scope[f"f{number}"] for number in range(200)]
sampler.start(1, seed=1)
for birth in range(50):
    with sampler.labelled("job"):
        for number, function in enumerate(functions): function((birth * 200 + number) * len(PLACES))
alive = sampler.statistics().alive
def resident_kb(name): # VmRSS, or VmHWM, its highest since the reset
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))

durations, memory = [], []
sampler.births("job")
for _ in range(20):
    psutil.heap_trim()
    with open("/proc/self/clear_refs", "w") as reset: reset.write("5")
    before = resident_kb("VmRSS")
    began = time.perf_counter()
    table = sampler.births("job")
    durations.append(time.perf_counter() - began)
    memory.append(resident_kb("VmHWM") - before)
    rows, heads = len(table), len(table.heads)
    packed = len(table.numbers) + len(table.figures)
    del table
print(json.dumps({"alive": alive, "ms": sorted(durations)[10] * 1e3, "mb": sorted(memory)[10] / 1024, "rows": rows,
                  "births": birth + 1, "stacks": heads, "packed": packed}))
"""

SECONDS = {  # for each load, and how long a piece of it plain takes: pieces under a heavy tool take up to 80 times that
    "samples": (4.0, 0.02),
    "off": (2.0, 0.02),
    "tracemalloc 1 frame": (1.0, 0.01),
    "tracemalloc 25 frames": (1.0, 0.004),
    "memray": (1.0, 0.01),
    "ddtrace": (1.5, 0.02),
}

needs_sampler = pytest.mark.skipif(
    sampler.unavailable_reason() is not None, reason=f"no samples: {sampler.unavailable_reason()}"
)


def is_installed(tool: str) -> bool:
    """Return whether the package that contains the tool is installed."""
    return tool not in ("memray", "ddtrace") or importlib.util.find_spec(tool) is not None


def answer_of(program: str, *arguments: str) -> dict[str, Any]:
    """Run a process with that program and return the JSON of the last line that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def slowdowns(tool: str) -> dict[str, float]:
    """Return the ratio of each load's run time with the tool to its run time without the tool."""
    return answer_of(LOADS + TOOLS + PAIRS, tool, *map(str, SECONDS[tool]))


@needs_sampler
@pytest.mark.timeout(240)
def test_run_time_beside_tracemalloc_memray_and_ddtrace(benchmark: BenchmarkFixture, results: Results) -> None:
    tools = [tool for tool in SECONDS if tool != "samples" and is_installed(tool)]
    others = {tool: slowdowns(tool) for tool in tools}
    ours = benchmark.pedantic(  # type: ignore[no-untyped-call]
        slowdowns, args=("samples",), rounds=1
    )
    off = others.pop("off")
    for load, ratio in ours.items():
        results.add(
            what=f"{load}: run time to plain, a sample every 64 KB",
            ours=f"{ratio:.3f}",
            against=", ".join(f"{tool}: {of_loads[load]:.2f}" for tool, of_loads in others.items()),
            ratio=others["tracemalloc 1 frame"][load] / ratio,
        )
    for load, ratio in off.items():
        results.add(
            what=f"{load}: run time to plain, hooks in place and off", ours=f"{ratio:.3f}", against="target: 1.02"
        )


@needs_sampler
def test_memory_and_longest_stall_at_ten_thousand_live_samples(benchmark: BenchmarkFixture, results: Results) -> None:
    plain = min(answer_of(HEAP, "plain")["uss"] for _ in range(3))
    runs = [answer_of(HEAP, "samples") for _ in range(2)]
    runs.append(
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            answer_of, args=(HEAP, "samples"), rounds=1
        )
    )
    assert all(run["alive"] > 10_000 for run in runs)
    extra_mb = (min(run["uss"] for run in runs) - plain) / 2**20
    stall_ms = min(max(run["stalls"]) for run in runs) * 1e3
    alive = f"{runs[0]['alive']:,} live samples"
    results.add(what=f"extra memory at {alive}", ours=f"{extra_mb:.1f} MB", against="target: 8 MB", ratio=8 / extra_mb)
    results.add(
        what=f"longest stall of 20 profiled runs at {alive}",
        ours=f"{stall_ms:.1f} ms",
        against="target: 20 ms",
        ratio=20 / stall_ms,
    )


@needs_sampler
def test_births_of_65536_live_samples(benchmark: BenchmarkFixture, results: Results) -> None:
    runs = [answer_of(BIRTHS) for _ in range(2)]
    runs.append(
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            answer_of, args=(BIRTHS,), rounds=1
        )
    )
    best = min(runs, key=lambda run: run["ms"])
    assert best["alive"] > 60_000
    scene = f"{best['alive']:,} live samples over {best['stacks']} stacks and {best['births']} births"
    results.add(what=f"births of {scene}", ours=f"{best['ms']:.1f} ms", against="target: 5 ms", ratio=5 / best["ms"])
    results.add(what=f"memory for them, {best['rows']:,} rows", ours=f"{best['mb']:.2f} MB", against="target: 1 MB")
