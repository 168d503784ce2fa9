"""A process that is nearly full, under a hard limit: every debug route answers, and it lives."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from profiling.samples import sampler
from tests.cgroups import JOIN, group_with_limit

pytestmark = pytest.mark.slow

LIMIT_MB = 512
FILLED_MB = 450

PROGRAM = f"""
{JOIN}
import asyncio
from aiohttp import web
from profiling import Level, Profiler
from profiling.process.usage import resident_and_virtual
from profiling.web import mount

profiler = Profiler(level=Level(sys.argv[2]))
held = []


async def fill():
    while resident_and_virtual()[0] < {FILLED_MB} << 20:
        held.append([[bytes(100), number] for number in range(2_000)])


async def nothing():
    held.append(None)


async def main():
    for work in (nothing, fill, nothing, nothing):
        async with profiler.run("fill"):
            await work()
    app = web.Application()
    mount(app, profiler, token="t", open_to_all=True)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], len(held), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
"""

ROUTES = [
    ("GET", "/health", {200}),
    ("GET", "/memory", {200}),
    ("GET", "/memory/runs", {200}),
    ("GET", "/memory/runs/3", {200}),
    ("GET", "/memory/diff?job=fill", {200, 409}),  # 409: no lines, since reading the traces would not fit
    ("GET", "/memory/diff?seconds=1&gc=1", {200, 503}),  # 503: likewise
    ("GET", "/jobs", {200}),
    ("GET", "/jobs/fill/verdict", {200}),
    ("POST", "/memory/trim", {200}),
    ("GET", "/health", {200}),
]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("level", ["counters", "samples", "lines"])
def test_every_debug_route_answers_in_a_process_that_is_nearly_full(level: str) -> None:
    if level == "samples" and (reason := sampler.unavailable_reason()):
        pytest.skip(reason)
    with group_with_limit(LIMIT_MB) as (_, directory), started(directory, level) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[0])
        answers = {path: asked(port, method, path, allowed) for method, path, allowed in ROUTES}
        assert answers["/health"]["memory_percent"] > 100 * (FILLED_MB - 30) / LIMIT_MB
        assert answers["/health"]["status"] == "critical"
        assert answers["/memory"]["current_usage"]["total_mb"] == LIMIT_MB
        if level == "lines":
            degraded = answers["/memory/runs/3"]["degraded"]
            assert degraded.startswith("reading the traces would take")
        assert process.poll() is None
        process.communicate()
        assert process.returncode == 0


def started(directory: Path, level: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(directory), level],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def asked(port: int, method: str, path: str, allowed: set[int]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/debug{path}", method=method, headers={"Authorization": "Bearer t"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            status, body = response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    assert status in allowed, (path, status, body)
    document: dict[str, Any] = json.loads(body)
    return document
