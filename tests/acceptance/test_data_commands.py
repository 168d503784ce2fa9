"""`volaris iv`, `volaris export` and `volaris run` at a terminal, as a person types them."""

from __future__ import annotations

import csv
import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from tests.acceptance.streaming import INSERT_PRICES, Served, served
from tests.acceptance.test_data_api import DAY, METRICS, TERM
from tests.integration.store.chains import chain
from tests.postgres import connected, execute, run_apart
from volaris.store import MetricsRepository, OptionsRepository

Run = Callable[..., subprocess.CompletedProcess[str]]

TABLE = """\
AAPL  2025-10-14  spot 248.37  from simulated, 512 contracts, computed at 2025-10-14T15:30:00Z
{age} days old

iv30            31.00 %
atm_iv          30.00 %
skew_25d         4.00 %
iv_rank               -  of 252 days
iv_percentile      60.0  of 252 days

realised           10 days   20 days   60 days
close_to_close           -         -         -
parkinson                -   22.00 %         -
garman_klass             -         -         -
rogers_satchell          -         -         -
yang_zhang               -         -         -

expiration     forward    atm_iv  skew_25d  contracts
2025-11-21      249.00   30.00 %         -         60

day               iv30    atm_iv  skew_25d   iv_rank
2025-10-14     31.00 %   30.00 %    4.00 %         -
2025-10-13     30.00 %   30.00 %    4.00 %      12.5
"""


async def fill(url: str) -> None:
    """Figures of two days and a chain of AAPL, and a chain of MSFT."""
    earlier = replace(METRICS, day=DAY - timedelta(days=1), iv30=0.3, iv_rank=12.5)
    async with connected(url) as database:
        await MetricsRepository(database).save([METRICS, earlier], [TERM])
        await OptionsRepository(database).replace([chain("AAPL", 80), chain("MSFT", 40)])


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Served]:
    run_apart(fill(database_url))
    with served(tmp_path, database_url, PROFILING="counters", DEMAND_TIMEOUT_S="300") as service:
        yield service


@pytest.fixture
def run(service: Served, tmp_path: Path) -> Run:
    """Runs a command against the service to its end."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "volaris", *arguments],
            env={"PATH": os.environ["PATH"], "PORT": str(service.port)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_iv_prints_the_figures_of_a_symbol(run: Run) -> None:
    done = run("iv", "AAPL", "--fresh", "never")
    age = re.search(r"^(\d+) days old$", done.stdout, re.MULTILINE)
    assert age
    assert (done.returncode, done.stdout, done.stderr) == (0, TABLE.format(age=age[1]), "")


def test_iv_fetches_stale_figures_first(run: Run) -> None:
    done = run("iv", "AAPL")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^\d+ s old, fetched now$", done.stdout, re.MULTILINE)
    assert "\n2025-10-14     31.00 %" in done.stdout
    again = run("iv", "AAPL")
    assert re.search(r"^\d+ (s|min) old$", again.stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [["iv", "APPL"], ["export", "iv", "--symbol", "APPL"], ["iv", "A/B?c"]])
def test_unknown_symbol_is_exit_status_1_with_the_nearest(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("volaris: there is no symbol '")
    assert "GET /api/v1/symbols lists all 503" in done.stderr


def test_export_of_a_symbol_is_what_the_service_streams(run: Run) -> None:
    done = run("export", "options", "--symbol", "MSFT", "--format", "ndjson", "--fresh", "never")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 40
    assert {line["symbol"] for line in lines} == {"MSFT"}


def test_export_of_a_symbol_fetches_stale_data_first(run: Run) -> None:
    done = run("export", "options", "--symbol", "MSFT")
    assert (done.returncode, done.stderr) == (0, "")
    quoted = {row["quoted_at"] for row in csv.DictReader(io.StringIO(done.stdout))}
    assert len(quoted) == 1
    assert quoted != {"2025-10-14T15:30:00Z"}


def test_export_of_all_symbols_has_one_head(run: Run) -> None:
    done = run("export", "options")
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 120
    assert {row["symbol"] for row in rows} == {"AAPL", "MSFT"}
    assert {row["type"] for row in rows} == {"call", "put"}


def test_export_into_a_pipe_that_is_closed_ends_quietly(service: Served, database_url: str, tmp_path: Path) -> None:
    run_apart(execute(database_url, INSERT_PRICES.format(rows=200_000)))
    with subprocess.Popen(
        [sys.executable, "-m", "volaris", "export", "prices", "--symbol", "AAPL", "--fresh", "never"],
        env={"PATH": os.environ["PATH"], "PORT": str(service.port)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "symbol,source,price,bid,ask,volume,quoted_at\n"
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=120)) == ("", 141)


@pytest.mark.parametrize(
    "arguments",
    [["iv"], ["export"], ["export", "bars"], ["export", "iv", "--format", "json"], ["iv", "AAPL", "--fresh", "now"]],
)
def test_wrong_call_is_exit_status_2(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "volaris", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "usage: volaris" in done.stderr


def test_run_at_a_terminal_shows_how_far_it_is_and_the_log_above(database_url: str, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "volaris", "run", "prices_1m"],
        env={
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
            "COLUMNS": "200",
            "DATABASE_URL": database_url,
            "VOLARIS_DATA_DIR": str(tmp_path),
        },
        cwd=tmp_path,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_or_end(ours), b"")).decode()
        os.close(ours)
        assert process.wait(timeout=120) == 0
    assert "\x1b[" in shown
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert re.search(r"prices_1m .* 0:\d\d:\d\d +\d+\.\d MB", text)
    assert re.search(r"[\r\n]\S+ \S+ - INFO - job_completed - job_id=prices_1m ", text)


def read_or_end(terminal: int) -> bytes:
    """What the terminal shows next; nothing at its end, which Linux tells as an error."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
