"""`make first-hour`: what a stranger does first, from an empty environment, with the wheel and the documents alone.

Each step prints a line; the first that fails ends the hour with exit status 1 and with what was printed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.built import ROOT, build_wheel, run, succeed

README = (ROOT / "README.md").read_text()
FASTAPI_PAGE = (ROOT / "docs" / "fastapi.md").read_text()
TOKEN = "first-hour"
PATIENCE_S = 120.0
LEAK = "sessions.append([str(number) * 40 for number in range(300)])"

LEAKING = f"""\
sessions = []

def load():
    {LEAK}
"""

# The README's service, with a leak in its job, and something that runs the job and serves.
SERVED = """
async def at_work(_):
    async def work():
        while True:
            await collect()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(work())
    yield
    task.cancel()

app.cleanup_ctx.append(at_work)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
web.run_app(app, sock=listener, print=None)
"""

TESTS = f"""\
import pytest

sessions = []

@pytest.mark.no_leaks
def test_load():
    {LEAK}

@pytest.mark.memory_limit("64 MB")
def test_fits():
    bytearray(1_000_000)
"""


@dataclass(frozen=True, slots=True)
class Stranger:
    """An empty environment, and a folder to work in."""

    python: str
    folder: Path
    variables: Mapping[str, str]

    def install(self, *what: str) -> None:
        pip = [self.python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        succeed([*pip, "-c", str(ROOT / "constraints.txt"), *what], self.folder, self.variables)

    def run(self, *words: str, status: int = 0) -> str:
        """Run Python, which has to end with that status. Return all that was printed."""
        done = run([self.python, *words], self.folder, self.variables)
        printed = done.stdout + done.stderr
        assert done.returncode == status, f"exit status {done.returncode}, not {status}:\n{printed}"
        return printed


def readme_without_a_web_framework(stranger: Stranger) -> None:
    blocks = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "aiohttp" not in block]
    assert blocks
    for block in blocks:
        assert stranger.run("-W", "error", "-c", block) == "True\n"


def check_a_leaking_function(stranger: Stranger) -> None:
    (stranger.folder / "shop.py").write_text(LEAKING)
    printed = stranger.run("-m", "profiling", "check", "shop.py:load", status=1)
    assert re.search(r"^shop\.py:load: leaking after \d+ runs at level samples$", printed, re.MULTILINE), printed
    assert "shop.py:4 load" in printed, printed
    assert LEAK in printed, printed


def check_a_function_that_is_not_there(stranger: Stranger) -> None:
    printed = stranger.run("-m", "profiling", "check", "shop.py:store", status=2)
    assert printed == "profiling: shop.py has no function 'store'\n", printed


def readme_service(stranger: Stranger) -> None:
    stranger.install(f"{wheel_of(stranger)}[web]")
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "aiohttp" in block]
    assert "        ...\n" in block
    leaking = "import asyncio, socket\nsessions = []\n" + block.replace("        ...\n", f"        {LEAK}\n")
    (stranger.folder / "service.py").write_text(leaking + SERVED)
    line = 1 + leaking[: leaking.index(LEAK)].count("\n")
    variables = {**stranger.variables, "DEBUG_TOKEN": TOKEN}
    with subprocess.Popen(
        [stranger.python, "service.py"], cwd=stranger.folder, env=variables, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        address = f"http://127.0.0.1:{int(service.stdout.readline())}/debug"
        try:
            assert ask(f"{address}/health", {})[0] == 200
            assert ask(f"{address}/jobs", {})[0] == 403
            verdict = verdict_of(f"{address}/jobs/collect/verdict")
        finally:
            service.terminate()
    assert verdict["suspects"][0]["site"] == {"file": "service.py", "line": line}, verdict


def verdict_of(url: str) -> dict[str, Any]:
    """Return the job's verdict as soon as it is an accusation."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        status, answer = ask(url, {"Authorization": f"Bearer {TOKEN}"})
        if status == 200 and answer["verdict"]["state"] == "leaking":
            verdict: dict[str, Any] = answer["verdict"]
            return verdict
        time.sleep(0.5)
    raise AssertionError(f"no leak was told within {PATIENCE_S:g} s: {answer}")


def ask(url: str, headers: Mapping[str, str]) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def tests_with_markers(stranger: Stranger) -> None:
    stranger.install("pytest", "pytest-timeout")
    (stranger.folder / "test_shop.py").write_text(TESTS)
    printed = stranger.run("-m", "pytest", "-q", "--memory", "-p", "no:cacheprovider", "test_shop.py", status=1)
    assert "1 failed, 1 passed" in printed, printed
    assert "test_shop.py:7" in printed, printed


def fastapi_page(stranger: Stranger) -> None:
    stranger.install("fastapi", "httpx")
    for name, text in re.findall(r"```py\n# (\S+)\n(.*?)```", FASTAPI_PAGE, re.DOTALL):
        (stranger.folder / name).write_text(f"# {name}\n{text}")
    printed = stranger.run("-m", "profiling", "check", "check_routes.py:get_items", status=1)
    assert "app.py:15 items" in printed, printed
    stranger.run("-m", "profiling", "check", "check_routes.py:get_health")


STEPS = (
    readme_without_a_web_framework,
    check_a_leaking_function,
    check_a_function_that_is_not_there,
    readme_service,
    tests_with_markers,
    fastapi_page,
)


def wheel_of(stranger: Stranger) -> Path:
    """Return the wheel that the stranger has downloaded."""
    (wheel,) = (stranger.folder / "wheels").glob("*.whl")
    return wheel


def main() -> int:
    """Do one step after the other. Return the exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_wheel(folder)
        succeed([sys.executable, "-m", "venv", "venv"], folder)
        given = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_"))}
        stranger = Stranger(str(folder / "venv" / "bin" / "python"), folder, given)
        stranger.install(str(wheel_of(stranger)))
        for step in STEPS:
            began_s = time.monotonic()
            try:
                step(stranger)
            except AssertionError as error:
                print(f"FAILED  {step.__name__}: {error}")
                return 1
            print(f"{time.monotonic() - began_s:5.1f} s  {step.__name__.replace('_', ' ')}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
