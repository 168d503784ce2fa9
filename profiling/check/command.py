"""The command `python -m profiling check FILE.py:FUNCTION`: does a function leak, where, and how much per run.

The exit status is:

- 0 if no job is accused;
- 1 if a job leaks in Python's heap or in a C heap, or ran less than 12 times, and with --strict if a job is growing;
- 2 if the command line was wrong or a run failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from profiling.check.output import prints_to_stderr, why_not_written
from profiling.check.series import check
from profiling.check.targets import load
from profiling.check.watch import Watch
from profiling.errors import CannotCheck, TargetFailed
from profiling.records import CheckResult, Level, State
from profiling.report.check import check_to_dict, check_to_text
from profiling.source import SourceReader
from profiling.trial import KEEPING_RUNS, MAX_RUNS, MAX_SECONDS, Bounds
from profiling.verdict.patience import MIN_RUNS

STATES = f"""\
A function that keeps no memory is run {MIN_RUNS} times, or up to {KEEPING_RUNS} times within half a second of CPU time.
A function that keeps memory is run until its verdict is sure, or until a limit is reached:
  leaking            its memory grows with every run and is not freed; the report names each line
  native_growth      memory that a C library holds grows with every run
  growing            its memory grows, but may still be a cache that fills up
  stable             its memory does not grow
  insufficient_runs  it ran fewer than {MIN_RUNS} times, so there is no verdict"""
EXIT_STATUS = """\
exit status:
    0  every function is stable or growing
    1  a function is leaking, native_growth or insufficient_runs; with --strict, growing too
    2  the command line was wrong, or a run failed; a function that calls sys.exit fails
  130  interrupted"""
FAILED = 2
INTERRUPTED = 130  # the status by which shells report an interrupt
MAX_RUNS_ASKED = 1_000
MAX_TIMEOUT_S = 86_400.0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the commands of a parser."""
    command = commands.add_parser(
        "check",
        help="run a function repeatedly and report whether it leaks memory, and on which line",
        description="Run a function repeatedly and report whether it leaks memory, on which line, and how fast.",
        epilog=f"{STATES}\n\n{EXIT_STATUS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "target",
        metavar="FILE.py:FUNCTION",
        help="function to run, called without arguments; Class.method and other callable objects work too; "
        "package.module:FUNCTION imports the module by its name",
    )
    command.add_argument(
        "--with",
        dest="beside",
        action="append",
        default=[],
        metavar="FILE.py:FUNCTION",
        help="another function to check in the same process, in turns; may be given several times",
    )
    _add_bounds(command)
    command.set_defaults(run=run)


def _add_bounds(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--runs",
        type=run_count,
        metavar="N",
        help=f"run it exactly N times; a verdict needs {MIN_RUNS} (default: see below)",
    )
    command.add_argument(
        "--max-runs",
        type=run_count,
        default=MAX_RUNS,
        metavar="N",
        help="run it at most N times (default: %(default)s)",
    )
    command.add_argument(
        "--max-seconds",
        type=_seconds,
        default=MAX_SECONDS,
        metavar="S",
        help="start no further run after S seconds (default: %(default)g)",
    )
    command.add_argument(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="if a run or an import takes longer than S seconds, show where it is and exit with status 2",
    )
    command.add_argument("--strict", action="store_true", help="exit with status 1 also if a job is `growing`")
    command.add_argument(
        "--level",
        choices=[level.value for level in (Level.SAMPLES, Level.LINES, Level.STACKS)],
        help="how runs are measured (default: samples, or lines if the sampler is not built)",
    )
    command.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Check the functions that the arguments name, print the result, and return the exit status."""
    stdout, stderr = sys.stdout, sys.stderr  # the user's code may replace both
    try:
        with prints_to_stderr() if arguments.json else contextlib.nullcontext():
            checked = _checked(arguments, stderr)
            text = _result(checked, as_json=arguments.json)
    except CannotCheck as error:
        traceback = error.users_traceback if isinstance(error, TargetFailed) else ""
        complain(f"{error}\n{traceback}", stderr)
        return FAILED
    except KeyboardInterrupt:
        complain("interrupted\n", stderr)
        return INTERRUPTED
    if (why := why_not_written(text, stdout)) is not None:
        complain(f"the result cannot be written: {why}\n", stderr)
        return FAILED
    return exit_status([result.verdict.state for result in checked], strict=arguments.strict)


def _checked(arguments: argparse.Namespace, stderr: TextIO) -> list[CheckResult]:
    watch = Watch(timeout_s=arguments.timeout, terminal=stderr if stderr.isatty() else None, errors=stderr)
    with watch.watching(), watch.during(f"the import of {arguments.target}"):
        targets = load([arguments.target, *arguments.beside])
    level = Level(arguments.level) if arguments.level else None
    return check(targets, bounds=_bounds(arguments), level=level, watch=watch)


def _result(checked: Sequence[CheckResult], *, as_json: bool) -> str:
    places_of = SourceReader().places
    if as_json:
        return json.dumps(check_to_dict(checked, places_of), indent=2) + "\n"
    return check_to_text(checked, places_of)


def complain(text: str, stderr: TextIO) -> None:
    """Write a message to stderr, if somebody reads it."""
    with contextlib.suppress(OSError, ValueError):  # nobody reads stderr, or it is closed
        stderr.write(f"profiling: {text}")
        stderr.flush()


def exit_status(states: Iterable[State], *, strict: bool) -> int:
    """Return 1 if a job is accused, or ran too few times, or is growing while `strict` is set; else return 0."""
    failing = {State.INSUFFICIENT_RUNS} | ({State.GROWING} if strict else set())
    return int(any(state.is_accusation or state in failing for state in states))


def _bounds(arguments: argparse.Namespace) -> Bounds:
    return Bounds(runs=arguments.runs, max_runs=arguments.max_runs, max_seconds=arguments.max_seconds)


def run_count(text: str) -> int:
    """Return a number of runs on the command line. Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RUNS_ASKED:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MAX_RUNS_ASKED}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and up to {MAX_TIMEOUT_S:g}")
    return seconds
