"""The commands `python -m profiling export SOURCE --format FORMAT` and `python -m profiling report SOURCE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from profiling.check.command import FAILED, INTERRUPTED, run_count
from profiling.check.output import prints_to_stderr
from profiling.errors import CannotCheck, CannotExport, NoAnswer, SamplerUnavailable, TargetFailed
from profiling.export import SOURCE

FORMATS = ("pprof", "speedscope", "collapsed", "html")
TOKEN = "The token of a service is taken from the environment variable PROFILING_TOKEN."  # noqa: S105 - a sentence


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the commands of a parser."""
    export = commands.add_parser(
        "export",
        help="write the live memory by stack for pprof, speedscope or a flame graph",
        description="Write the live memory by stack, of a running service, of a profile in a file, or of a function. "
        + TOKEN,
    )
    export.add_argument("source", metavar="SOURCE", help=SOURCE)
    export.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="(default: %(default)s)")
    export.add_argument(
        "--seconds", type=int, metavar="S", help="of a service: what changes in S seconds, and is allocated meanwhile"
    )
    export.add_argument("--runs", type=run_count, default=12, metavar="N", help="of a function (default: %(default)s)")
    export.add_argument("-o", "--output", metavar="FILE", help="where to write (default: stdout)")
    export.set_defaults(run=run, data=_exported)
    report = commands.add_parser(
        "report",
        help="write a report as one HTML file: what grows, on which line, and when memory is full",
        description="Write the page of a service, of a profile in a file, of a process that has ended, or of "
        "a function as one HTML file that needs no service and no network. " + TOKEN,
    )
    report.add_argument("source", metavar="SOURCE", help=SOURCE)
    report.add_argument(
        "--runs", type=run_count, metavar="N", help="of a function: exactly N runs (default: until its verdict is sure)"
    )
    report.add_argument("-o", "--output", metavar="FILE", help="where to write (default: stdout)")
    report.set_defaults(run=run, data=_reported)


def run(arguments: argparse.Namespace) -> int:
    """Write what the command asks for, and return the exit status."""
    try:
        with prints_to_stderr():  # whatever a function prints, because the result may go to stdout
            data = arguments.data(arguments)
        _write(data, arguments.output)
    except (CannotExport, CannotCheck, NoAnswer, SamplerUnavailable, OSError) as error:
        traceback = error.users_traceback if isinstance(error, TargetFailed) else ""
        sys.stderr.write(f"profiling: {error}\n{traceback}")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("profiling: interrupted\n")
        return INTERRUPTED
    return 0


def _exported(arguments: argparse.Namespace) -> bytes:
    from profiling.export.sources import profile_of, report_of_source  # only these commands need it
    from profiling.trial import Bounds

    if arguments.format == "html" and arguments.seconds is None:
        return report_of_source(arguments.source, Bounds(runs=arguments.runs))
    return converted(profile_of(arguments.source, seconds=arguments.seconds, runs=arguments.runs), arguments.format)


def _reported(arguments: argparse.Namespace) -> bytes:
    from profiling.export.sources import report_of_source
    from profiling.trial import Bounds

    return report_of_source(arguments.source, Bounds(runs=arguments.runs))


def converted(data: bytes, form: str) -> bytes:
    """Return a profile of pprof in another format. Raises CannotExport if the data is no such profile."""
    from profiling.export.sources import parsed, report_of_profile
    from profiling.report.folded import to_folded
    from profiling.report.speedscope import to_json, to_speedscope

    if form == "html":
        return report_of_profile(data)
    profile = parsed(data)
    if form == "speedscope":
        return to_json(to_speedscope(profile, "memory")).encode()
    return to_folded(profile).encode(errors="backslashreplace") if form == "collapsed" else data


def _write(data: bytes, path: str | None) -> None:
    if path is not None:
        try:
            Path(path).write_bytes(data)
        except OSError as error:
            raise CannotExport(f"{path} cannot be written: {error.strerror}") from error
        return
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
