"""Servers in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

START_TIMEOUT_S = 60.0


@contextmanager
def server(arguments: list[str], environment: dict[str, str], folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    """Run a Python process that prints or logs `http://127.0.0.1:PORT`; gives it and its port."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=os.environ | environment, cwd=folder, stdout=output, stderr=output
        )
    try:
        yield psutil.Process(process.pid), _port_of(process, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    until_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until_s and process.poll() is None:
        _, found, rest = log.read_text().partition("http://127.0.0.1:")
        if found and "\n" in rest:
            return int(rest.split()[0])
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()}")
