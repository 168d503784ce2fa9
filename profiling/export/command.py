"""The command `python -m profiling export SOURCE --format FORMAT`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from profiling.errors import CannotCheck, CannotExport, SamplerUnavailable

FORMATS = ("pprof", "speedscope", "collapsed")
FAILED = 2


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the commands of a parser."""
    command = commands.add_parser(
        "export",
        help="write the live memory by stack for pprof, speedscope or a flame graph",
        description="Write the live memory by stack, of a running service, of a profile in a file, or of a function. "
        "The token of a service is taken from the environment variable PROFILING_TOKEN.",
    )
    command.add_argument(
        "source",
        metavar="SOURCE",
        help="address of a service (http://localhost:8080), a profile (heap.pb.gz), or FILE.py:FUNCTION to run",
    )
    command.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="(default: %(default)s)")
    command.add_argument(
        "--seconds", type=int, metavar="S", help="of a service: what changes in S seconds, and is allocated meanwhile"
    )
    command.add_argument("--runs", type=int, default=12, metavar="N", help="of a function (default: %(default)s)")
    command.add_argument("-o", "--output", metavar="FILE", help="where to write (default: stdout)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the stacks, and return the exit status."""
    from profiling.export.sources import profile_of  # only this command needs it

    try:
        data = converted(profile_of(arguments.source, seconds=arguments.seconds, runs=arguments.runs), arguments.format)
        _write(data, arguments.output)
    except (CannotExport, CannotCheck, SamplerUnavailable, OSError) as error:
        sys.stderr.write(f"profiling: {error}\n")
        return FAILED
    return 0


def converted(data: bytes, form: str) -> bytes:
    """Return a profile of pprof in another format. Raises CannotExport if the data is no such profile."""
    import json

    from profiling.report.folded import to_folded
    from profiling.report.pprof_reader import from_pprof
    from profiling.report.speedscope import to_speedscope

    try:
        profile = from_pprof(data)
    except ValueError as error:
        raise CannotExport(str(error)) from error
    if form == "speedscope":
        return json.dumps(to_speedscope(profile, "memory")).encode()
    return to_folded(profile).encode(errors="backslashreplace") if form == "collapsed" else data


def _write(data: bytes, path: str | None) -> None:
    if path is not None:
        Path(path).write_bytes(data)
        return
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
