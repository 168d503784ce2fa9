"""Processes that must end in time, and the files of their programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DUMP_S = 5.0  # for printing where a process hangs


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The end of one process; a status of None means that it was killed because it did not end in time."""

    status: int | None
    stdout: str
    stderr: str


@contextmanager
def program(text: str, name: str = "program.py") -> Iterator[Path]:
    """Yield a file with this program, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text)
        yield path


def environment(**variables: str) -> Mapping[str, str]:
    """Return the environment of a process, which finds this project and reports a crash."""
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"} | variables


def run(arguments: Sequence[str], *, limit_s: float, ended_by: signal.Signals | None = None) -> Run:
    """Run a process to its end; `ended_by` is sent to it when it has said "ok"."""
    command = [sys.executable, "-W", "ignore", *arguments]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            said = ""
            if ended_by is not None and process.stdout is not None:
                said = process.stdout.readline()
                process.send_signal(ended_by)
            stdout, stderr = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # prints where it hangs
            with suppress(subprocess.TimeoutExpired):
                process.wait(DUMP_S)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return Run(status=None, stdout="", stderr=process.communicate()[1])
    return Run(status=process.returncode, stdout=said + stdout, stderr=stderr)
