"""The command `python -m profiling top URL`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from profiling.check.output import end_of_stdout
from profiling.errors import NoAnswer

if TYPE_CHECKING:
    from profiling.remote import Service

FAILED, INTERRUPTED = 2, 130


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the commands of a parser."""
    command = commands.add_parser(
        "top",
        help="show which jobs and scopes of a running service hold memory and grow, once a second",
        description="Show which jobs and scopes of a running service hold memory and grow, once a second: a live table "
        "at a terminal if rich is installed (pip install 'volaris[top]'), and lines of text in a pipe. The token is "
        "taken from the environment variable PROFILING_TOKEN.",
    )
    command.add_argument("address", metavar="URL", help="address of the service, like http://localhost:8080")
    command.add_argument(
        "--interval", type=_seconds, default=1.0, metavar="S", help="seconds between two looks (default: %(default)g)"
    )
    command.add_argument("--updates", type=_count, metavar="N", help="end after N looks (default: never)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the service until the user interrupts, and return the exit status."""
    from profiling.remote import Service

    try:
        return shown(Service(arguments.address), arguments.interval, arguments.updates)
    except NoAnswer as error:
        sys.stderr.write(f"profiling: {error}\n")
        return FAILED


def shown(service: Service, interval_s: float, updates: int | None) -> int:
    """Show a service at standard output, and return the exit status. Raises NoAnswer if it does not answer at first."""
    from profiling.top.follow import follow

    try:
        follow(service, sys.stdout, interval_s=interval_s, updates=updates)
    except BrokenPipeError:  # `| head` has read enough
        end_of_stdout(os.devnull)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3_600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.1 to 3600")
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000000")
    return int(text)
