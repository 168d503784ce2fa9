"""A run that takes long is told on a terminal; one that takes too long ends the process."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from profiling.check.watch import QUIET_S, Watch


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Ended(BaseException):
    """Stands in for the end of the process."""


def end(status: int) -> None:
    raise Ended(status)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_run_of_less_than_two_seconds_is_not_told(clock: Clock) -> None:
    terminal = io.StringIO()
    watch = Watch(terminal=terminal, clock=clock)
    watch.look()
    with watch.during("run 1 of job"):
        clock.now_s += QUIET_S - 0.1
        watch.look()
    assert terminal.getvalue() == ""


def test_progress_is_one_line_that_is_written_over(clock: Clock) -> None:
    terminal = io.StringIO()
    watch = Watch(terminal=terminal, clock=clock)
    for number in (1, 2):
        with watch.during(f"run {number} of job"):
            clock.now_s += 1.5
            watch.look()
    assert terminal.getvalue() == "\rrun 2 of job, 3 s so far\033[K"


def test_progress_is_wiped_in_the_end_and_no_thread_is_left(clock: Clock) -> None:
    told = threading.Event()

    class Terminal(io.StringIO):
        def flush(self) -> None:
            told.set()

    terminal = Terminal()
    watch = Watch(terminal=terminal, clock=clock)
    before = threading.active_count()
    with watch.watching(), watch.during("run 1 of job"):
        clock.now_s += 3
        assert told.wait(30)
    assert terminal.getvalue().endswith("\r\033[K")
    assert threading.active_count() == before


def test_without_a_terminal_and_a_limit_there_is_no_thread() -> None:
    before = threading.active_count()
    with Watch().watching():
        assert threading.active_count() == before


def test_run_that_takes_too_long_ends_the_process(clock: Clock) -> None:
    errors = io.StringIO()
    watch = Watch(timeout_s=5.0, errors=errors, clock=clock, end=end)
    with watch.during("run 2 of jobs.py:f"):
        clock.now_s += 4.0
        watch.look()
    with watch.during("run 3 of jobs.py:f"):
        clock.now_s += 4.9
        watch.look()
        clock.now_s += 0.1
        with pytest.raises(Ended, match="2"):
            watch.look()
    assert errors.getvalue().startswith("profiling: run 3 of jobs.py:f did not end within 5 s\n")


HANGING = """\
import asyncio, threading

calls = 0

def waits_for_ever():
    global calls
    calls += 1
    if calls == 4:
        threading.Event().wait()

def catches_all():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

async def coroutine():
    await inner()

async def inner():
    await asyncio.Event().wait()

def generator():
    yield
    threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("name", "run", "innermost"),
    [
        ("waits_for_ever", "run 2", "in waits_for_ever"),
        ("catches_all", "plain run 1", "in catches_all"),
        ("coroutine", "plain run 1", "in inner"),
        ("generator", "plain run 1", "in generator"),
    ],
)
def test_function_that_hangs_is_ended_with_the_line_where_it_stands(
    tmp_path: Path, name: str, run: str, innermost: str
) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    command = [sys.executable, "-m", "profiling", "check", f"hanging.py:{name}", "--timeout", "2", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"profiling: {run} of hanging.py:{name} did not end within 2 s\n  File ")
    assert innermost in done.stderr
    assert "/profiling/check/" not in done.stderr
