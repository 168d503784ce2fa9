"""`python -m profiling check`: its arguments, and what it prints."""

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
A function that keeps nothing is done after {MIN_RUNS} runs, or up to {KEEPING_RUNS} within half a second of CPU time.
One that keeps something is run on until it is known what:
  leaking            what it keeps stays and grows with every run; each line is named
  native_growth      a C library keeps more with every run
  growing            it grows, and may still be something that fills up
  stable             it does not grow
  insufficient_runs  there were fewer than {MIN_RUNS} runs"""
EXIT_STATUS = """\
exit status:
    0  stable or growing
    1  leaking, native_growth or insufficient_runs; with --strict, growing too
    2  the call was wrong, or a run failed, also by sys.exit
  130  interrupted"""
FAILED = 2
INTERRUPTED = 130  # as a shell tells an interrupt
MAX_RUNS_ASKED = 1_000
MAX_TIMEOUT_S = 86_400.0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of a parser."""
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
        help="what to call without arguments: a function of any kind, Class.method, or any object that can be called; "
        "package.module:FUNCTION is imported by its name",
    )
    command.add_argument(
        "--with",
        dest="beside",
        action="append",
        default=[],
        metavar="FILE.py:FUNCTION",
        help="another function to run beside it; may be given several times",
    )
    _add_bounds(command)
    command.set_defaults(run=run)


def _add_bounds(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--runs",
        type=_runs,
        metavar="N",
        help=f"run it exactly N times; a verdict needs {MIN_RUNS} (default: see below)",
    )
    command.add_argument(
        "--max-runs", type=_runs, default=MAX_RUNS, metavar="N", help="run it at most N times (default: %(default)s)"
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
    """Check what the arguments say, print the result, and return the exit status."""
    stdout, stderr = sys.stdout, sys.stderr  # the user's code may put others in their places
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
    """Write to stderr, as long as somebody reads."""
    with contextlib.suppress(OSError, ValueError):  # nobody reads, or it is closed
        stderr.write(f"profiling: {text}")
        stderr.flush()


def exit_status(states: Iterable[State], *, strict: bool) -> int:
    """Return 1 if a job is accused or ran too seldom, or with `strict` if one is growing, else 0."""
    failing = {State.INSUFFICIENT_RUNS} | ({State.GROWING} if strict else set())
    return int(any(state.is_accusation or state in failing for state in states))


def _bounds(arguments: argparse.Namespace) -> Bounds:
    return Bounds(runs=arguments.runs, max_runs=arguments.max_runs, max_seconds=arguments.max_seconds)


def _runs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RUNS_ASKED:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_RUNS_ASKED}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from above 0 to {MAX_TIMEOUT_S:g}")
    return seconds
