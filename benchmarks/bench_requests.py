"""What scopes cost a web server, beside tracemalloc, ddtrace and pyroscope-io: throughput and latency by wrk.

Each server is a process of its own: aiohttp, and FastAPI under uvicorn. A server with a tool and the same server
without a profiler take turns, in pairs, so that other work on the machine meets both; the median of the pairs' ratios
counts, and the quartiles beside it are the spread. The pair of two servers without a profiler tells how much of that is
noise. A piece lasts 5 s, so that each has a border of the windows in it. CPU time per request is the server's own, in
which other processes have a smaller part than in throughput.

With scopes, the pieces are the first seconds of a service, which cost the most: until two windows have ended, 10 to
15 s, allocations are sampled more often than later. If the pair of two servers without a profiler is further from 1
than the target, the machine was too busy for a judgement.

The benchmark needs wrk, Debian's package of that name. The other profilers, and uvloop and httptools for uvicorn, are
optional, and no requirements of the project. They go into a folder of their own, because ddtrace changes each pytest of
an environment that it is installed in:

    pip install --target .tox/others ddtrace pyroscope-io uvloop httptools
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.load import CONNECTIONS, load_by_wrk
from benchmarks.results import Results
from benchmarks.served import FRAMEWORKS, OTHERS, OTHERS_FOLDER, PATHS, is_installed
from benchmarks.servers import server
from profiling.samples import sampler

PLAIN = "nothing"
AGAIN = "nothing, again"
SCOPES = "scopes"
PAIRS = {SCOPES: 4, AGAIN: 2}  # of each generation of servers; one of each other tool
GENERATIONS = 2  # of servers, because each process has a speed of its own that lasts
PIECE_S = 5
MIN_THROUGHPUT = 0.97
MAX_P99 = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one server did for some seconds."""

    requests_per_s: float
    p99_ms: float
    cpu_us: float  # CPU time of the server per request


Pair = tuple[Piece, Piece]  # with the tool, without


def piece(process: psutil.Process, port: int, path: str, seconds: int = PIECE_S) -> Piece:
    """Load a server by wrk. Raises AssertionError if a request was refused."""
    before_s = sum(process.cpu_times()[:2])
    done = load_by_wrk(port, path, seconds, CONNECTIONS)
    cpu_s = sum(process.cpu_times()[:2]) - before_s
    assert not done.refused
    return Piece(
        requests_per_s=done.requests_per_s, p99_ms=done.p99_ms, cpu_us=cpu_s / seconds / done.requests_per_s * 1e6
    )


def generation(framework: str, path: str, tools: Sequence[str], folder: Path) -> dict[str, list[Pair]]:
    """Start a server for each tool and two without, and return the pairs of each tool."""
    pairs: dict[str, list[Pair]] = {tool: [] for tool in tools}
    environment = {"PYTHONPATH": str(OTHERS_FOLDER.parents[1]), "PYTHONHASHSEED": "0"}
    with ExitStack() as stack:
        servers = {}
        for tool in (PLAIN, *tools):
            of_tool = folder / tool
            of_tool.mkdir()
            arguments = ["-m", "benchmarks.served", framework, PLAIN if tool == AGAIN else tool]
            servers[tool] = stack.enter_context(server(arguments, environment, of_tool))
            piece(*servers[tool], path, 1)
        for number in range(max(PAIRS.values())):
            for tool in (tool for tool in tools if number < PAIRS.get(tool, 1)):
                if number % 2:
                    without = piece(*servers[PLAIN], path)
                    pairs[tool].append((piece(*servers[tool], path), without))
                else:
                    pairs[tool].append((piece(*servers[tool], path), piece(*servers[PLAIN], path)))
    return pairs


def ratio(pairs: Sequence[Pair], figure: str) -> tuple[float, str]:
    """Return the median of the ratios, and a text that has the quartiles too."""
    ratios = [getattr(with_tool, figure) / getattr(without, figure) for with_tool, without in pairs]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return median, f"{median:.3f} ({low:.2f} to {high:.2f})"


def named(*packages: str) -> str:
    """Return the names of those packages that are installed, with their versions."""
    found = {each.name: each.version for each in distributions(path=[str(OTHERS_FOLDER), *sys.path])}
    return ", ".join(f"{package} {found[package]}" for package in packages if package in found)


def rows(results: Results, scene: str, pairs: Mapping[str, Sequence[Pair]]) -> None:
    """Add a row for each tool."""
    names = {
        SCOPES: "with scopes",
        AGAIN: "a second server without a profiler, which is the noise",
        "ddtrace memalloc": f"memalloc of {named('ddtrace')}",
        "pyroscope-io memory": f"{named('pyroscope-io')} with mem_enabled",
    }
    for tool, of_tool in pairs.items():
        throughput, throughput_text = ratio(of_tool, "requests_per_s")
        _, p99_text = ratio(of_tool, "p99_ms")
        _, cpu_text = ratio(of_tool, "cpu_us")
        without = [without for _, without in of_tool]
        rate = statistics.median(each.requests_per_s for each in without)
        p99_ms = statistics.median(each.p99_ms for each in without)
        cpu_us = statistics.median(each.cpu_us for each in without)
        target = f"; targets: {MIN_THROUGHPUT}, {MAX_P99}" if tool == SCOPES else ""
        results.add(
            what=f"{scene}, {names.get(tool, tool)}: ratios of throughput, 99th percentile and CPU time per request, "
            f"median of {len(of_tool)} pairs (quartiles)",
            ours=f"{throughput_text}, {p99_text}, {cpu_text}",
            against=f"without a profiler: {rate:,.0f}/s, {p99_ms:.1f} ms, {cpu_us:.0f} µs{target}",
            ratio=throughput,
        )


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed; install Debian's package wrk")
@pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=f"no samples: {sampler.unavailable_reason()}")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_requests_with_scopes_and_without(
    framework: str, route: str, benchmark: BenchmarkFixture, results: Results, tmp_path: Path
) -> None:
    missing = [tool for tool in OTHERS if not is_installed(tool)]
    if missing:
        print(f"no rows for {', '.join(missing)}: not in {OTHERS_FOLDER}; see the docstring of this benchmark")
    tools = [SCOPES, AGAIN, *(tool for tool in OTHERS if tool not in missing)]
    pairs: dict[str, list[Pair]] = {tool: [] for tool in tools}
    for number in range(GENERATIONS):
        folder = tmp_path / str(number)
        folder.mkdir()
        of_tools = generation(framework, PATHS[route], tools, folder)
        for tool in tools:
            pairs[tool] += of_tools[tool]
    benchmark.pedantic(dict, rounds=1)  # type: ignore[no-untyped-call]
    packages = {"aiohttp": ["aiohttp"], "fastapi": ["fastapi", "uvicorn", "uvloop", "httptools"]}[framework]
    rows(results, f"{named(*packages)}, /{route}", pairs)
