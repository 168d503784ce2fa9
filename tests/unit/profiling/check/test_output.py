"""The result goes to stdout and nothing else does; a result that nobody can read is no traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from profiling.check.output import why_not_written

NOISY = """\
import atexit, os, subprocess, sys, threading
print("at import")
atexit.register(print, "at exit")

def job():
    print("from Python")
    os.write(1, b"from C\\n")
    sys.__stdout__.write("past the redirection\\n")
    subprocess.run(["echo", "from a child"])

def thread_that_never_ends():
    threading.Thread(target=threading.Event().wait).start()
"""


def command(*options: str, redirection: str = "") -> str:
    words = " ".join([sys.executable, "-m", "profiling", "check", "noisy.py:job", "--runs", "1", *options])
    return f"{words} {redirection}"


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "noisy.py").write_text(NOISY)
    shell = ["bash", "-c", command]
    return subprocess.run(shell, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_with_json_whatever_the_function_prints_goes_to_stderr(tmp_path: Path) -> None:
    done = run(command("--json"), tmp_path)
    assert json.loads(done.stdout)["jobs"][0]["runs"] == 1
    printed = {"at import", "at exit", "from Python", "from C", "past the redirection", "from a child"}
    assert set(done.stderr.splitlines()) == printed


def test_without_json_the_function_prints_where_it_would(tmp_path: Path) -> None:
    done = run(command(), tmp_path)
    assert done.stdout.count("from a child\n") == 3  # two runs before profiling
    assert done.stderr == "at exit\n"


@pytest.mark.parametrize("option", ["--json", "--strict"])
def test_full_disk_is_told_in_a_line(tmp_path: Path, option: str) -> None:
    (tmp_path / "quiet.py").write_text("def job(): pass")
    done = run(command(option, redirection=">/dev/full").replace("noisy.py:job", "quiet.py:job"), tmp_path)
    assert done.returncode == 2
    assert done.stderr == "profiling: the result cannot be written: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("option", ["--json", "--strict"])
def test_reader_that_has_left_and_stdout_that_is_closed_leave_the_exit_status(tmp_path: Path, option: str) -> None:
    (tmp_path / "quiet.py").write_text("def job(): pass")
    words = command(option).replace("noisy.py:job", "quiet.py:job")
    for whole in (f"{words} | true; exit ${{PIPESTATUS[0]}}", f"{words} >&-"):
        done = run(whole, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_thread_that_never_ends_does_not_keep_the_process(tmp_path: Path) -> None:
    done = run(command().replace(":job", ":thread_that_never_ends"), tmp_path)
    assert done.returncode == 1
    assert "insufficient_runs" in done.stdout


def test_characters_that_stdout_does_not_have_are_escaped() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    assert why_not_written("±\n", stream) is None
    assert stream.detach().getvalue() == rb"\xb1" + b"\n"


def test_result_that_cannot_be_written_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "dup2", lambda *_: None)  # the process' own stdout stays
    closed = io.StringIO()
    closed.close()
    assert why_not_written("text", closed) == "I/O operation on closed file"
