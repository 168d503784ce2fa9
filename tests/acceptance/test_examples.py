"""The programs below examples/ run as they stand: they serve, their requests are scopes, and they end when told to."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from profiling.records import State
from profiling.samples import sampler

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MAX_LINES = 40

COMMANDS = {
    "aiohttp_service.py": ["aiohttp_service.py"],
    "fastapi_service.py": ["-m", "uvicorn", "--port=0", "fastapi_service:app"],
    "flask_service.py": [
        "-m",
        "gunicorn",
        "--workers=2",
        "--bind=127.0.0.1:0",
        "--no-control-socket",
        "flask_service:app",
    ],
    "asyncio_worker.py": ["asyncio_worker.py"],
    "thread_worker.py": ["thread_worker.py"],
}
WORKERS = {"asyncio_worker.py", "thread_worker.py"}
WITH_ITEMS = COMMANDS.keys() - WORKERS
LABELS = {"flask_service.py": "GET /items/<id>", "asyncio_worker.py": "handle", "thread_worker.py": "resize"}
SCRIPT = "plain_script.py"


@contextmanager
def started(example: str) -> Iterator[int]:
    """Yield the port that the service tells of when it is up."""
    variables = os.environ | {"PORT": "0", "DEBUG_ADDRESS": "127.0.0.1:0", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, *COMMANDS[example]],
        cwd=EXAMPLES,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        told = ""
        while not (found := re.search(r"http://127\.0\.0\.1:([1-9]\d*)", told)):
            line = output.readline()
            assert line, f"{example} ended: {told}"
            told += line
        rest = threading.Thread(target=output.read)  # so that a full pipe holds nobody up
        rest.start()
        try:
            yield int(found[1])
        finally:
            process.terminate()  # not SIGINT, which a process that was started in the background ignores
            try:
                process.wait(60)
            finally:
                process.kill()  # or its output has no end
                rest.join()


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_each_example_is_short_and_is_run() -> None:
    examples = {path.name: path.read_text().count("\n") for path in EXAMPLES.glob("*.py")}
    assert examples.keys() == COMMANDS.keys() | {SCRIPT}
    assert max(examples.values()) < MAX_LINES
    for name in examples:
        assert f"({name})" in (EXAMPLES / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("example", COMMANDS)
def test_example_serves_its_items_and_the_debug_routes(example: str) -> None:
    with started(example) as port:
        if example in WITH_ITEMS:
            status, body = get(port, "/items/7")
            assert (status, json.loads(body)) == (200, {"items": 1})
        for path in ("/debug/health", "/debug/jobs"):
            assert get(port, path)[0] == 200


@pytest.mark.slow
@pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
@pytest.mark.parametrize("example", COMMANDS)
def test_example_tells_of_its_scope_when_the_first_window_has_ended(example: str) -> None:
    label = LABELS.get(example, "GET /items/{id}")
    with started(example) as port:
        while (found := get(port, f"/debug/jobs/{quote(label, safe='')}/verdict"))[0] == 404:
            if example in WITH_ITEMS:
                assert get(port, "/items/7")[0] == 200
        assert found[0] == 200
        assert json.loads(found[1])["job"] == label


@pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
def test_script_that_has_never_heard_of_the_profiler_is_told_which_thread_holds_its_memory() -> None:
    command = [sys.executable, "-m", "profiling", "run", SCRIPT]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    (of_scope,) = [row for row in rows if row[-1:] == ["archive"] and row[-2] in list(State)]
    assert (of_scope[0], of_scope[2]) == ("1", "MiB"), done.stderr
    assert "profil" not in (EXAMPLES / SCRIPT).read_text().partition('"""\n')[2]
