"""`python -m profiling check FILE.py:FUNCTION`: does it leak, where, and how much per run.

Exit status: 0 nothing is settled to grow; 1 a job is leaking, natively or in Python's heap (with --strict: growing
too); 2 the call was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from profiling.check import check, load
from profiling.errors import CannotCheck
from profiling.records import Checked, Level, State
from profiling.report.check import check_to_dict, check_to_text
from profiling.source import SourceReader
from profiling.trial import MAX_RUNS, MAX_SECONDS, Bounds

MOST_RUNS = 1_000
MOST_SECONDS = 86_400.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of the arguments, by default those of the process; gives the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        targets = load([arguments.target, *arguments.beside])
        level = Level(arguments.level) if arguments.level else None
        checked = asyncio.run(check(targets, bounds=_bounds(arguments), level=level))
    except CannotCheck as error:
        sys.stderr.write(f"profiling: {error}\n")
        return 2
    places_of = SourceReader().places
    if arguments.json:
        sys.stdout.write(json.dumps(check_to_dict(checked, places_of), indent=2) + "\n")
    else:
        sys.stdout.write(check_to_text(checked, places_of))
    return 1 if any(_fails(result, strict=arguments.strict) for result in checked) else 0


def _fails(result: Checked, *, strict: bool) -> bool:
    return result.grows or (strict and result.verdict.state is State.GROWING)


def _bounds(arguments: argparse.Namespace) -> Bounds:
    return Bounds(runs=arguments.runs, max_runs=arguments.max_runs, max_seconds=arguments.max_seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m profiling", description="A memory profiler for asyncio services.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("check", help="run a function again and again, and say whether it leaks, and where")
    command.add_argument("target", metavar="FILE.py:FUNCTION", help="plain or async, without arguments")
    command.add_argument("--runs", type=_runs, metavar="N", help="run it exactly N times; by default until it is known")
    command.add_argument(
        "--max-runs", type=_runs, default=MAX_RUNS, metavar="N", help=f"run it at most N times, by default {MAX_RUNS}"
    )
    command.add_argument(
        "--max-seconds",
        type=_seconds,
        default=MAX_SECONDS,
        metavar="S",
        help=f"begin no further run after S seconds, by default {MAX_SECONDS:g}",
    )
    command.add_argument("--strict", action="store_true", help="exit with status 1 for `growing` too")
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
    if not text.isdecimal() or not 1 <= int(text) <= MOST_RUNS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_RUNS}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from above 0 to {MOST_SECONDS:g}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
