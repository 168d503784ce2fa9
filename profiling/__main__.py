"""`python -m profiling check FILE.py:FUNCTION`: does it leak, where, and how much a run.

Exit status: 0 all stable; 1 something grows, or there were too few runs to tell; 2 the call was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from profiling.check import check, load
from profiling.errors import CannotCheck
from profiling.records import Level, State
from profiling.report.check import check_to_dict, check_to_text
from profiling.source import SourceReader
from profiling.verdict.series import MIN_RUNS

MAX_RUNS = 1_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of the arguments, by default those of the process; gives the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        targets = load([arguments.target, *arguments.beside])
        level = Level(arguments.level) if arguments.level else None
        checked = asyncio.run(check(targets, runs=arguments.runs, level=level))
    except CannotCheck as error:
        sys.stderr.write(f"profiling: {error}\n")
        return 2
    places_of = SourceReader().places
    if arguments.json:
        sys.stdout.write(json.dumps(check_to_dict(checked, places_of), indent=2) + "\n")
    else:
        sys.stdout.write(check_to_text(checked, places_of))
    return 0 if all(result.verdict.state is State.STABLE for result in checked) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m profiling", description="A memory profiler for asyncio services.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("check", help="run a function again and again, and say whether it leaks, and where")
    command.add_argument("target", metavar="FILE.py:FUNCTION", help="plain or async, without arguments")
    command.add_argument("--runs", type=_runs, default=MIN_RUNS, metavar="N", help=f"how many, by default {MIN_RUNS}")
    command.add_argument(
        "--with", dest="beside", action="append", default=[], metavar="FILE.py:FUNCTION", help="a further job beside it"
    )
    command.add_argument(
        "--level",
        choices=[level.value for level in (Level.SAMPLES, Level.LINES, Level.STACKS)],
        help="how closely; by default samples where the extension is built, else lines",
    )
    command.add_argument("--json", action="store_true", help="for programs")
    return parser


def _runs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RUNS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_RUNS}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
