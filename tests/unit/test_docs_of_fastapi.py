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
import asyncio, httpx, json
from service import app

async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
        asked = asyncio.create_task(http.get("/memory?seconds=2"))
        await asyncio.sleep(0)
        while not asked.done():
            for path in ("/health", "/items", "/report"):
                (await http.get(path)).raise_for_status()
        print(json.dumps((await asked).json()))

asyncio.run(main())
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


def test_route_of_the_service_names_both_lines(folder: Path) -> None:
    (folder / "ask.py").write_text(ASK)
    done = run(folder, "ask.py")
    assert done.returncode == 0, done.stderr
    shown = re.findall(r'"line":"(app\.py:\d+ \w+)"', PAGE)
    assert {f'"{line}"' for line in shown} <= set(re.findall(r'"app\.py:\d+ \w+"', done.stdout))
    assert len(shown) == 2


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
