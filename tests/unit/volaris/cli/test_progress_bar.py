"""How far a run is, shown in lines or live."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys

import pytest

from volaris.cli import progress_bar
from volaris.scheduler import progress


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def rss_bytes() -> int:
    return 150 * 2**20


async def test_elsewhere_than_on_a_terminal_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "LINE_EVERY_S", 0.0)
    out = io.StringIO()
    async with progress_bar.run_shown("prices_1m", rss_bytes, out):
        pass
    async with progress_bar.run_shown("prices_1m", rss_bytes, out):
        progress.report(50, 503)
    assert out.getvalue() == "prices_1m: 0 s, 150.0 MB\nprices_1m: 50 of 503, 0 s, 150.0 MB\n"


async def test_short_run_elsewhere_than_on_a_terminal_shows_nothing() -> None:
    out = io.StringIO()
    async with progress_bar.run_shown("prices_1m", rss_bytes, out):
        progress.report(503, 503)
    assert out.getvalue() == ""


def test_on_a_terminal_the_same_is_shown_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(progress_bar, "TICK_S", 0.0)
    out = Terminal()
    shown = progress_bar.run_shown("prices_1m", rss_bytes, out)

    async def run() -> None:
        async with shown:
            progress.report(50, 503)
            for _ in range(3):
                await asyncio.sleep(0)

    asyncio.run(run())
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert re.search(r"prices_1m .* 50/503 0:00:0\d 150\.0 MB", text)


async def test_error_of_the_run_passes_and_the_display_ends() -> None:
    with pytest.raises(ZeroDivisionError):
        async with progress_bar.run_shown("prices_1m", rss_bytes, io.StringIO()):
            raise ZeroDivisionError
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "progress"] == []


def test_rich_is_imported_for_a_terminal_only() -> None:
    code = "import sys, volaris.cli, volaris.cli.progress_bar; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
