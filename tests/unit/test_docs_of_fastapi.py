"""docs/fastapi.md finds what it says it finds, with the packages that it is about."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

for _package in ("fastapi", "httpx"):
    pytest.importorskip(_package, reason=f"docs/fastapi.md needs {_package}, which is not installed")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "fastapi.md").read_text()
FIGURE = re.compile(r"[\d.]+( [KM]iB| B)?")
ASK = """
import asyncio, httpx
from service import app, profiler

async def main():
    transport, token = httpx.ASGITransport(app=app), {"Authorization": "Bearer secret"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=token, timeout=60) as http:
        asked = asyncio.create_task(http.get("/debug/memory/diff?seconds=2&format=text&limit=2"))
        await asyncio.sleep(0)
        while not asked.done():
            for path in ("/health", "/items", "/report"):
                (await http.get(path)).raise_for_status()
        print((await asked).raise_for_status().text)
        while (told := await http.get("/debug/memory/diff?job=GET%20%2Fitems&format=text&limit=1")).status_code != 200:
            (await http.get("/items")).raise_for_status()
        print(told.text)

asyncio.run(main())
profiler.close()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in re.findall(r"```py\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(f"# {name}\n{text}")
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def without_figures(text: str) -> list[str]:
    # How much longer a run takes is known of runs from a millisecond on.
    return [FIGURE.sub("N", line.strip().partition(" in total; ")[0]) for line in text.splitlines()]


def test_service_names_both_lines_and_the_line_of_a_route(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG_TOKEN", "secret")
    (folder / "ask.py").write_text(ASK)
    done = run(folder, "ask.py")
    assert done.returncode == 0, done.stderr
    in_process, of_route = done.stdout.split("GET /items: run ")
    shown_of_route, shown_in_process = PAGE.split("GET /items: run ")[1].split("the process over ")
    for shown, printed in ((shown_in_process, in_process), (shown_of_route, of_route)):
        lines = set(re.findall(r"app\.py:\d+ \w+", shown.partition("## ")[0]))
        assert lines
        assert lines == set(re.findall(r"app\.py:\d+ \w+", printed))


def test_check_of_a_route_prints_what_the_page_shows(folder: Path) -> None:
    words, printed = re.findall(r"^    \$ python (-m .*)\n((?:    .*\n)*)", PAGE, re.MULTILINE)[0]
    done = run(folder, *words.split())
    assert done.returncode == 1, done.stderr
    assert without_figures(done.stdout) == without_figures(printed)
    assert "app.py:15 items\n" in done.stdout
    assert run(folder, *words.replace("get_items", "get_health").split()).returncode == 0


def test_marker_fails_the_routes_that_leak(folder: Path) -> None:
    (words,) = re.findall(r"^    \$ (pytest .*)$", PAGE, re.MULTILINE)
    done = run(folder, "-m", *words.split(), "-p", "no:cacheprovider")
    printed = PAGE.partition(words)[2]
    for line in re.findall(r"^    (keeps .*|test_route.*|\d failed.*)$", printed, re.MULTILINE):
        assert _rounded(line) in _rounded(done.stdout)


def _rounded(text: str) -> str:
    return re.sub(r"\.\d KB|over \d+ runs", "", text)
