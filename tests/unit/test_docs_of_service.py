"""docs/service.md finds the leak of its service, over HTTP, at the line that it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "service.md").read_text()
PATIENCE_S = 100.0
ON_A_FREE_PORT = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
web.run_app(app, sock=listener, print=None)
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve the page's service, with its job more often, until the test ends."""
    (text,) = re.findall(r"```py\n(# service\.py\n.*?)```", PAGE, re.DOTALL)
    shown, _, _ = text.partition("\nif __name__")
    (tmp_path / "service.py").write_text(shown.replace("sleep(0.2)", "sleep(0.02)") + ON_A_FREE_PORT)
    with subprocess.Popen(
        [sys.executable, "service.py"],
        cwd=tmp_path,
        env={**os.environ, "DEBUG_TOKEN": "secret"},
        stdout=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stdout is not None
        yield f"127.0.0.1:{int(service.stdout.readline())}"
        service.terminate()


def ask(url: str, *, post: bool = False) -> str:
    headers = {"Authorization": "Bearer secret"}
    request = urllib.request.Request(f"http://{url}", headers=headers, method="POST" if post else "GET")
    with urllib.request.urlopen(request, timeout=120) as answer:
        text: str = answer.read().decode()
        return text


def is_accused(address: str) -> bool:
    """Return whether the job is accused before the patience ends."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        ask(f"{address}/debug/memory/diff?seconds=1")  # waits in the service, while its job runs
        jobs = json.loads(ask(f"{address}/debug/jobs"))["jobs"]
        if any(job["verdict"] and job["verdict"]["state"] == "leaking" for job in jobs):
            return True
    return False


def test_each_question_of_the_page_has_an_answer_and_the_diff_names_the_line(address: str) -> None:
    urls = re.findall(r"^    (?:\$ )?curl .*?(-X POST)?.'localhost:8080(\S+)'", PAGE, re.MULTILINE)
    assert len(urls) == 4
    assert is_accused(address)
    (shown,) = re.findall(r"(service\.py:\d+ collect) ", PAGE)
    for post, path in urls:
        answer = ask(address + path.replace("seconds=30", "seconds=1"), post=bool(post))
        if "job=collect" in path:
            assert shown in answer
            assert "orders.append(bytearray(100_000))" in answer
            assert "verdict: leaking" in answer
