"""gunicorn with two workers that are forked from one process, in which the profiler was made and may be at work."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from profiling.samples import sampler

ROOT = Path(__file__).parents[3]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason())),
]


@contextmanager
def gunicorn(*options: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Serve on a socket that listens already, so that no request comes too early."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        bind = f"fd://{listening.fileno()}"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--workers=2",
            f"--bind={bind}",
            "--log-level=error",
            "--no-control-socket",
        ]
        process = subprocess.Popen(
            [*command, *options, "tests.integration.wsgi.prefork:app"], cwd=ROOT, pass_fds=[listening.fileno()]
        )
        try:
            yield listening.getsockname()[1], process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def get(port: int, path: str) -> tuple[int, int | None, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    process, body = answer.headers["X-Profiler-Process"], answer.read()
    connection.close()
    return answer.status, int(process) if process else None, body


@pytest.mark.parametrize("options", [["--preload"], ["--threads=4"]], ids=" ".join)
def test_each_worker_answers_for_itself_and_says_which_it_is(options: list[str]) -> None:
    with gunicorn(*options) as (port, process):
        answered: Counter[int] = Counter()
        verdicts: dict[int, Any] = {}
        while len(verdicts) < 2:
            assert get(port, "/keep/7")[0] == 200
            status, worker, body = get(port, "/debug/jobs/GET%20%2Fkeep%2F%3Cint%3Anumber%3E/verdict")
            assert worker is not None
            answered[worker] += 1
            if status == 200 and json.loads(body)["verdict"]:  # the first window has ended
                verdicts[worker] = json.loads(body)
        assert process.pid not in answered
        assert os.getpid() not in answered
