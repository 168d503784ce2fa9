"""What each export costs a service at 65 536 live samples: time, the longest stall of another thread, and memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.results import Results

TARGET_STALL_MS = 20.0
TARGET_MB = 8.0

PROGRAM = """
import asyncio, gc, json, statistics, sys, threading, time
from profiling.process.usage import peak_rss_bytes, reset_peak, resident_and_virtual
from profiling.profiler import Profiler
from profiling.samples import sampler

LINES, DEEP = 2_000, 20
source = "\\n".join(f"def f{n}(kept, count, deep):\\n  if deep: return f{n}(kept, count, deep - 1)\\n"
                   f"  kept.extend(bytes(900) for _ in range(count))" for n in range(LINES))
functions, kept, service = {}, [], asyncio.Runner()
exec(compile(source, "/srv/app/views.py", "exec"), functions)
profiler = Profiler(level="samples", sample_bytes=900, window_s=3_600.0)
profiler.start_watching()

def fill():
    # As much as the sampler can follow; what an export allocates must not make it thin its samples.
    profiler._shared.sampling.outside.doublings = 10
    number = 0
    while sampler.statistics().alive < 65_400:
        with profiler.scope(f"GET /{number % 50}"):
            functions[f"f{number % LINES}"](kept, 16, number % DEEP)
        number += 1

def pprof():
    from profiling.web.exports import _encoded
    return _encoded(profiler.stack_profile(), "inuse_space")
def collapsed():
    from profiling.report.folded import to_folded
    return to_folded(profiler.stack_profile()).encode()
def speedscope():
    from profiling.report.speedscope import to_json, to_speedscope
    return to_json(to_speedscope(profiler.stack_profile(), "memory")).encode()
def report():
    from profiling.web.page import Page
    from profiling.web.jobs import ProfiledJobs
    from profiling.web.routes import DebugRoutes
    jobs = ProfiledJobs(profiler)
    return service.run(Page(profiler, jobs).report(DebugRoutes(profiler, jobs, None))).body
def prometheus():
    from profiling.metrics.prometheus import exposition
    return exposition(profiler, "")[0]
def timeline():
    from profiling.report.timeline import timeline_to_dict
    return json.dumps(timeline_to_dict(profiler.timeline("7d"))).encode()

export = {f.__name__: f for f in (pprof, collapsed, speedscope, report, prometheus, timeline)}[sys.argv[1]]
is_over, gaps_s = threading.Event(), []
def watch():
    # In CPU time of the process, because other programs on the machine are no stall of ours.
    last_s = time.process_time()
    while not is_over.wait(0.001):
        now_s = time.process_time()
        gaps_s.append(now_s - last_s)
        last_s = now_s
export()  # imports, while few samples are alive
fill()
gc.collect()
before, _ = resident_and_virtual()
reset_peak()
export()
peak = peak_rss_bytes()
stalls_s, times_s, collections_s = [], [], []
def time_collections(phase, info):
    # A full collection of Python stops the process for as long as its heap demands, whoever has caused it.
    if info["generation"] == 2:
        collections_s.append(time.thread_time() * (1 if phase == "stop" else -1))
gc.callbacks.append(time_collections)
for _ in range(7):
    is_over.clear(); gaps_s.clear()
    thread = threading.Thread(target=watch); thread.start()
    began_s = time.process_time()  # of all threads, because a report is made in several
    size = len(export())
    times_s.append(time.process_time() - began_s)
    is_over.set(); thread.join()
    stalls_s.append(max(gaps_s, default=0.0))
gc.callbacks.remove(time_collections)
print(json.dumps({"ms": statistics.median(times_s) * 1e3, "stall_ms": statistics.median(stalls_s) * 1e3,
    "mb": (peak - before) / 2**20, "bytes": size,
    "collections": len(collections_s) // 2, "collection_ms": 1e3 * sum(collections_s) / max(1, len(collections_s) // 2),
    "alive": sampler.statistics().alive}))
service.close()
profiler.close()
"""


def _told(export: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, export], capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("export", ["pprof", "collapsed", "speedscope", "report", "prometheus", "timeline"])
def test_export_of_65536_live_samples(export: str, benchmark: BenchmarkFixture, results: Results) -> None:
    runs = [_told(export) for _ in range(3)]
    assert all(told["alive"] > 65_000 for told in runs)
    told = {name: statistics.median(told[name] for told in runs) for name in runs[0]}
    benchmark.pedantic(lambda: None, rounds=1)  # type: ignore[no-untyped-call]
    collections = f"{told['collections']:.0f} full collections of {told['collection_ms']:.0f} ms in 7 exports"
    results.add(
        what=f"export `{export}` of {told['alive']:.0f} live samples, {told['ms']:.0f} ms of CPU time, "
        f"{told['bytes'] / 1024:.0f} KiB, {collections}: CPU time of the longest stall of another thread, and memory "
        "at its peak",
        ours=f"{told['stall_ms']:.1f} ms, {told['mb']:.1f} MB",
        against=f"targets: {TARGET_STALL_MS:.0f} ms, {TARGET_MB:.0f} MB",
        ratio=min(TARGET_STALL_MS / max(told["stall_ms"], 1e-3), TARGET_MB / max(told["mb"], 1e-3)),
    )
