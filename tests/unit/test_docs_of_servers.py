"""The services of docs/flask.md and docs/server.md run as they are shown."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLASK = (ROOT / "docs" / "flask.md").read_text()
SERVER = (ROOT / "docs" / "server.md").read_text()
CALL = """
client = app.test_client()
print(client.get("/items/7").json)
told = client.get("/debug/jobs", headers={"Authorization": "Bearer secret"})
print(told.status_code, client.get("/debug/jobs").status_code, told.headers["X-Profiler-Process"].isdecimal())
app.wsgi_app.close()
profiler.close()
"""


def block(page: str) -> str:
    (shown,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    return str(shown)


@contextmanager
def python(code: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"DEBUG_TOKEN": "secret"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        yield process


def test_flask_application_answers_its_own_routes_and_those_of_the_profiler() -> None:
    with python(block(FLASK) + CALL) as process:
        assert process.communicate(timeout=60)[0] == "{'items': 1}\n200 403 True\n"


def test_worker_is_asked_at_the_address_that_it_listens_at() -> None:
    asked, made = '"127.0.0.1:6061")\n', '"127.0.0.1:0")\nprint(server.address, flush=True)\n'
    assert asked in block(SERVER)
    with python(block(SERVER).replace(asked, made)) as process:
        assert process.stdout is not None
        connection = http.client.HTTPConnection(process.stdout.readline().strip(), timeout=60)
        connection.request("GET", "/debug/health")
        assert json.load(connection.getresponse())["memory_mb"] > 0
        connection.close()
        process.terminate()
