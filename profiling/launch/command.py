"""The command `python -m profiling run`: run a program with its memory sampled, and print a report at its end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import TracebackType

from profiling.errors import CannotLaunch
from profiling.launch.program import Program
from profiling.launch.session import launch
from profiling.records import Level
from profiling.source import PROFILER_FILES, is_user_code

COMMAND = "run"
LEVELS = (Level.SAMPLES, Level.ADAPTIVE)
WITH_VALUE = ("--level", "--serve")
FAILED = 2
USAGE = "python -m profiling run [--level L] [--serve ADDRESS] (SCRIPT.py | -m MODULE) [ARGUMENT...]"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the commands of a parser."""
    command = commands.add_parser(
        COMMAND,
        usage=USAGE,
        help="run a program and report at its end which function, task or route holds memory, on which line",
        description="Run a program, unchanged, with its memory sampled from the first line on. At its end, also at "
        "SIGTERM, report what holds most memory and what grew. The exit status is that of the program.",
    )
    command.add_argument(
        "--level",
        choices=[level.value for level in LEVELS],
        default=Level.SAMPLES.value,
        help="how memory is measured (default: %(default)s)",
    )
    command.add_argument(
        "--serve",
        metavar="ADDRESS",
        help="serve the debug routes in the meantime, for example at 127.0.0.1:6061 or unix:/run/debug.sock",
    )
    command.set_defaults(run=run)


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments of this command, and the program with its own arguments."""
    if not argv or argv[0] != COMMAND:
        return list(argv), []
    at = 1
    while at < len(argv) and argv[at].startswith("-") and argv[at] != "-m":
        at += 2 if argv[at] in WITH_VALUE else 1
    return list(argv[:at]), list(argv[at:])


def run(arguments: argparse.Namespace) -> int:
    """Run the program, and exit as the program does, by its end, its exit or its error. Return 2 if it cannot start."""
    try:
        launch(_program(arguments.program), level=Level(arguments.level), address=arguments.serve)
    except CannotLaunch as error:
        sys.stderr.write(f"profiling: {error}\n")
        return FAILED
    except Exception as error:
        error.__traceback__ = _users(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
    sys.exit()


def _users(traceback: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the program's first frame on, or all of it if the program has no frame in it."""
    frames = traceback
    while frames is not None and not _is_users(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames or traceback


def _program(words: Sequence[str]) -> Program:
    is_module = words[:1] == ["-m"]
    named = words[1:] if is_module else words
    if not named:
        raise CannotLaunch(f"no program is given: {USAGE}")
    return Program(named[0], is_module, named[1:])


def _is_users(file: str) -> bool:
    return is_user_code(file) and not file.startswith(PROFILER_FILES)
