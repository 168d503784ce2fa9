"""Run many checks, each in a fork of a process that has the command loaded: a tenth of a second each.

`python -m tests.acceptance.forked_checks` reads lists of arguments as JSON from stdin, runs them in the working
directory, and writes for each its exit status, stdout and stderr.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from typing import IO

from profiling.__main__ import command

AT_ONCE = 4

Files = tuple[IO[str], IO[str]]


def start(arguments: list[str]) -> tuple[int, Files]:
    """Fork a child for one check. In the child this does not return: it leaves as the command does."""
    files = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115 - read after the child's end
    pid = os.fork()
    if pid == 0:
        for number, file in enumerate(files, 1):
            os.dup2(file.fileno(), number)
        sys.argv = ["python -m profiling", "check", *arguments]
        command()
    return pid, files


def main() -> None:
    """Run all, some at once."""
    gc.collect()
    gc.freeze()  # collections in the children then look at their own objects only
    waiting = list(enumerate(json.load(sys.stdin)))[::-1]
    results: dict[int, tuple[int, str, str]] = {}
    running: dict[int, tuple[int, Files]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            number, arguments = waiting.pop()
            pid, files = start(arguments)
            running[pid] = number, files
        pid, status = os.wait()
        number, files = running.pop(pid)
        texts = []
        for file in files:
            file.seek(0)
            texts.append(file.read())
        results[number] = os.waitstatus_to_exitcode(status), texts[0], texts[1]
    json.dump([results[number] for number in sorted(results)], sys.stdout)


if __name__ == "__main__":
    main()
