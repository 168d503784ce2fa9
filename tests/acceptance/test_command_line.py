"""The commands as a person types them, in processes of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Volaris = Callable[..., subprocess.CompletedProcess[str]]

JOBS = "iv_metrics, options_refresh, prices_1m, retention, sp500"


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Nothing of this machine's settings, and a data folder of the test's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"VOLARIS_DATA_DIR": str(folder / "data")} | settings


@pytest.fixture
def volaris(tmp_path: Path) -> Volaris:
    """Runs a command to its end."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "volaris", *arguments],
            env=environment(tmp_path, **settings),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


class Serving:
    """`volaris serve` in a process, and its log line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[str] = []

    def line(self, pattern: str) -> re.Match[str]:
        """The next line of the log that has the pattern; the test's time limit bounds the wait."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line like {pattern!r} in: {''.join(self.log)}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr
        self.log.extend(self.process.stderr)
        return self.process.wait(timeout=120)


@pytest.fixture
def serving(tmp_path: Path, database_url: str) -> Iterator[Serving]:
    settings = {"PORT": "0", "PRICES_INTERVAL_S": "12", "DATABASE_URL": database_url, "REALTIME_SYNC_BATCH_SIZE": "503"}
    with subprocess.Popen(
        [sys.executable, "-m", "volaris", "serve"],
        env=environment(tmp_path, **settings),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield Serving(process)
        process.kill()


def test_service_runs_its_job_answers_the_commands_and_stops_in_good_order(serving: Serving, volaris: Volaris) -> None:
    port = serving.line(r"listening - url=http://127\.0\.0\.1:(\d+)$")[1]
    serving.line(r"INFO - job_completed - job_id=prices_1m .* level=lines run=\d+$")
    serving.line(r"INFO - job_allocations - job_id=prices_1m \+.* volaris/\S+\.py:\d+ ")
    serving.line(r"INFO - job_completed - job_id=prices_1m .* level=lines run=\d+$")
    jobs = volaris("jobs", PORT=port)
    assert jobs.returncode == 0
    assert re.search(r"^prices_1m +(idle|running) +20\d\d-", jobs.stdout, re.MULTILINE)
    diff = volaris("diff", "prices_1m", PORT=port)
    assert diff.returncode == 0
    assert re.search(r"^prices_1m: run \d+ against run \d+, by line$", diff.stdout, re.MULTILINE)
    assert " = attributed " in diff.stdout
    top = volaris("top", "--updates", "1", PORT=port)
    assert top.returncode == 0
    assert re.search(r"^.* \d+  prices_1m", top.stdout, re.MULTILINE)
    unknown = volaris("diff", "nope", PORT=port)
    assert (unknown.returncode, unknown.stderr) == (1, f"volaris: there is no job 'nope'; the known jobs are: {JOBS}\n")
    assert serving.stop() == 0
    assert [line for line in serving.log if " - ERROR - " in line or "Traceback" in line] == []
    assert serving.log[-1].endswith("INFO - stopped\n")


def test_run_runs_a_job_here_as_often_as_asked(volaris: Volaris, database_url: str) -> None:
    done = volaris("run", "prices_1m", "--runs", "2", DATABASE_URL=database_url, REALTIME_SYNC_BATCH_SIZE="503")
    assert done.returncode == 0
    assert len(re.findall(r"job_completed - job_id=prices_1m", done.stderr)) == 2


def test_run_of_a_job_that_fails_is_exit_status_1(volaris: Volaris, database_url: str) -> None:
    done = volaris(
        "run",
        "prices_1m",
        DATABASE_URL=database_url,
        MARKET_SOURCE="cboe",
        CBOE_URL="http://127.0.0.1:1/",
        PROFILING="counters",
    )
    assert done.returncode == 1
    assert "job_failed - job_id=prices_1m" in done.stderr
    assert "SourceUnavailable: cboe: " in done.stderr


def test_unknown_job_is_exit_status_2_and_told_with_those_there_are(volaris: Volaris) -> None:
    done = volaris("run", "nope")
    assert (done.returncode, done.stderr) == (2, f"volaris: there is no job 'nope'; the known jobs are: {JOBS}\n")


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [("PORT", "ninety", "a whole number from 0 to 65535"), ("MARKET_SOURCE", "dice", "simulated, replay, cboe")],
)
def test_wrong_setting_is_exit_status_2_and_one_line_that_names_it(
    volaris: Volaris, name: str, value: str, fits: str
) -> None:
    done = volaris("serve", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"volaris: {name}='{value}' cannot be used: ")
    assert fits in done.stderr
    assert done.stderr.count("\n") == 1


def test_service_that_is_not_there_is_told_with_what_to_do(volaris: Volaris) -> None:
    done = volaris("jobs", PORT="1")
    assert done.returncode == 1
    assert "there is no service at http://127.0.0.1:1/api/v1/debug/jobs" in done.stderr
    assert "start one with `volaris serve`" in done.stderr


def test_address_in_use_is_exit_status_1_with_the_reason(serving: Serving, volaris: Volaris, database_url: str) -> None:
    port = serving.line(r"listening - url=http://127\.0\.0\.1:(\d+)$")[1]
    done = volaris("serve", PORT=port, DATABASE_URL=database_url)
    assert done.returncode == 1
    told = f"volaris: cannot listen on 127.0.0.1:{port}: Address already in use; set HOST or PORT to a free address\n"
    assert told in done.stderr


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["run", "prices_1m", "--runs", "0"]])
def test_wrong_call_is_exit_status_2(volaris: Volaris, arguments: list[str]) -> None:
    done = volaris(*arguments)
    assert done.returncode == 2
    assert "usage: volaris" in done.stderr
