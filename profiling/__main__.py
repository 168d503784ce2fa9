"""The commands of `python -m profiling`: `check`, `run`, `export`, `report` and `top`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from profiling.check import command as check_command
from profiling.check.output import end_of_stdout, open_closed_streams
from profiling.export import command as export_command
from profiling.launch import command as run_command
from profiling.top import command as top_command

LEAVING_S = 5.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default those of the process, and return the exit status."""
    open_closed_streams()
    given = list(sys.argv[1:] if argv is None else argv)
    given, program = run_command.split(given)
    arguments = _parser().parse_args(given)
    arguments.program = program
    status: int = arguments.run(arguments)
    return status


def command() -> NoReturn:
    """Run the command for this process, and exit with its status.

    Whatever is printed after the result goes to stderr. If threads are still running, the process ends after 5 seconds.
    """
    status = main()
    end_of_stdout()
    leaving = threading.Timer(LEAVING_S, os._exit, [status])
    leaving.daemon = True
    leaving.start()
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m profiling", description="A memory profiler for Python services.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check_command.add_to(commands)
    run_command.add_to(commands)
    export_command.add_to(commands)
    top_command.add_to(commands)
    return parser


if __name__ == "__main__":
    command()
