"""A real Prometheus scrapes a leaking service for a while: without an error, and its values are ours.

PROMETHEUS_SECONDS says for how long, 40 s by default.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from profiling.samples import sampler

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="no `prometheus` on the path: apt-get install prometheus"
    ),
    pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason())),
]

SECONDS = int(os.environ.get("PROMETHEUS_SECONDS", "40"))
EVERY_S = 10  # also how long a scrape may take, on a busy machine
PATIENCE_S = SECONDS + 120.0
CONFIG = """
global: {{scrape_interval: {every}s, scrape_timeout: {every}s}}
scrape_configs:
  - job_name: service
    honor_labels: true
    metrics_path: /debug/metrics
    static_configs: [{{targets: ["{service}"]}}]
"""
BLOCK_BYTES = 10_000  # kept by a run
SERVICE = """
import json, sys, threading
from profiling import Profiler
from profiling.serve import DebugServer

profiler = Profiler(level="samples", sample_bytes=4_096, limit_mb=1_024, collect=True)
kept, is_over = [], threading.Event()

def serve():
    while not is_over.wait(0.1):
        with profiler.run("collect"):
            kept.append(bytes({block}))
        with profiler.scope("GET /x"):
            json.loads(json.dumps([{"key": number} for number in range(500)]))
        if len(kept) % 10 == 0:
            try:
                with profiler.run("fails"):
                    raise ValueError
            except ValueError:
                pass

with DebugServer(profiler, "127.0.0.1:0") as server:
    worker = threading.Thread(target=serve)
    worker.start()
    print(server.address, flush=True)
    sys.stdin.readline()
    is_over.set()
    worker.join()
    print("resting", flush=True)
    sys.stdin.readline()
profiler.close()
""".replace("{block}", str(BLOCK_BYTES))
# What a moment changes: the age of the scrape, in seconds, and what the scrape itself allocates.
SHARE = {
    "profiling_memory_rss_bytes": 0.1,
    "profiling_overhead_bytes": 0.1,
    "profiling_samples_alive": 0.1,
    "profiling_samples_taken_total": 0.1,
    "profiling_container_memory_bytes": 0.5,
}
OUTSIDE = "(outside jobs)"


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def until(condition: Callable[[], Any]) -> Any:
    """Return the first true result of the condition, which is asked twice a second."""
    paused = threading.Event()
    for _ in range(int(PATIENCE_S * 2)):
        with contextlib.suppress(OSError):  # the server does not listen yet
            if found := condition():
                return found
        paused.wait(0.5)
    pytest.fail(f"nothing in {PATIENCE_S:.0f} s")


class Prometheus:
    """A running Prometheus."""

    def __init__(self, address: str, log: Path) -> None:
        self.address, self.log = address, log

    def api(self, path: str) -> Any:
        told = json.loads(read(f"http://{self.address}/api/v1/{path}"))
        assert told["status"] == "success"
        return told["data"]

    def query(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The value of each series, by its labels with the name, but without the address of the service."""
        found = self.api(f"query?query={urllib.parse.quote(query)}")["result"]
        return {
            tuple(sorted((key, value) for key, value in each["metric"].items() if key != "instance")): float(
                each["value"][1]
            )
            for each in found
        }

    def number(self, query: str) -> float:
        return next(iter(self.query(query).values()), 0.0)

    def scrapes(self) -> float:
        return self.number('count_over_time(up{job="service"}[1h])')


@pytest.fixture
def service() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


@pytest.fixture
def prometheus(service: tuple[str, subprocess.Popen[str]], tmp_path: Path) -> Iterator[Prometheus]:
    config, log = tmp_path / "prometheus.yml", tmp_path / "log"
    config.write_text(CONFIG.format(every=EVERY_S, service=service[0]))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with log.open("w") as to, subprocess.Popen([*command, f"--web.listen-address={address}"], stderr=to) as process:
        try:
            yield Prometheus(address, log)
        finally:
            process.kill()


@pytest.mark.timeout(PATIENCE_S * 3)
def test_prometheus_scrapes_without_an_error_and_has_our_values(
    service: tuple[str, subprocess.Popen[str]],
    prometheus: Prometheus,
) -> None:
    address, process = service
    assert process.stdin is not None
    assert process.stdout is not None
    until(lambda: prometheus.scrapes() >= SECONDS / EVERY_S)
    print("rest", file=process.stdin, flush=True)
    assert process.stdout.readline() == "resting\n"
    # A window may end between the scrape and our reading, and change what is told of its scope.
    until(lambda: not differences(prometheus, address))
    growth = prometheus.number('deriv(profiling_held_bytes{owner="collect"}[1h])')
    leaked = BLOCK_BYTES * prometheus.number('deriv(profiling_runs_total{job="collect",outcome="completed"}[1h])')
    assert 0.5 * leaked < growth < 2 * leaked
    assert prometheus.number('min_over_time(up{job="service"}[1h])') == 1
    (target,) = prometheus.api("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    complaints = [line for line in prometheus.log.read_text().splitlines() if re.search(r"level=(warn|error)", line)]
    assert [line for line in complaints if "scrape" in line or "sample" in line] == []


def differences(prometheus: Prometheus, address: str) -> dict[tuple[tuple[str, str], ...], object]:
    """Return each series that one of both does not have, or whose last value is not ours."""
    theirs = prometheus.query('{__name__=~"profiling_.+"}')
    ours = {
        tuple(sorted(({"job": "service", "__name__": sample.name} | sample.labels).items())): sample.value
        for family in text_string_to_metric_families(read(f"http://{address}/debug/metrics"))
        for sample in family.samples
    }
    return {
        labels: (theirs.get(labels), ours.get(labels))
        for labels in theirs.keys() | ours.keys()
        if labels not in theirs
        or labels not in ours
        or abs(theirs[labels] - ours[labels]) > tolerance(dict(labels), ours[labels])
    }


def tolerance(labels: dict[str, str], value: float) -> float:
    """What may differ between our values and those of the last scrape, which is some seconds old."""
    name = labels["__name__"]
    if name == "profiling_full_seconds":
        return 60.0 + EVERY_S
    if name == "profiling_memory_part_bytes" or labels.get("owner") == OUTSIDE:
        return 4e6
    return SHARE.get(name, 1e-9) * value
