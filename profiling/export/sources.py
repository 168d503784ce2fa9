"""Where stacks come from: a running service, a profile in a file, or a function that is run."""

from __future__ import annotations

import asyncio
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from profiling.check.calls import Caller
from profiling.check.failures import failures_told
from profiling.check.targets import load
from profiling.errors import CannotExport
from profiling.process.build_id import build_id
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.report.pprof import to_pprof
from profiling.report.pprof_reader import MAX_BYTES

TOKEN_VARIABLE = "PROFILING_TOKEN"  # noqa: S105 - its name; on a command line all users of the machine would see it
TIMEOUT_S = 660.0  # more than the longest change takes
SAMPLE_BYTES = 1_024.0
DEBUG = "/debug"
ROUTE = "/pprof/heap"


def profile_of(source: str, *, seconds: int | None, runs: int) -> bytes:
    """Return the profile as pprof has it. Raises CannotExport, and CannotCheck if a function cannot be run."""
    if source.startswith(("http://", "https://")):
        return _of_service(source, seconds)
    if source.endswith((".pb.gz", ".pb")):
        return _of_file(Path(source))
    return _of_function(source, runs)


def _of_service(address: str, seconds: int | None) -> bytes:
    url = urlsplit(address)
    if url.username is not None or url.password is not None or url.query:
        raise CannotExport(f"the address must have no password and no query; set {TOKEN_VARIABLE} to send a token")
    path = url.path.rstrip("/")
    asked = f"{path if path.endswith(DEBUG) else path + DEBUG}{ROUTE}{'' if seconds is None else f'?seconds={seconds}'}"
    token = os.environ.get(TOKEN_VARIABLE)
    request = urllib.request.Request(  # noqa: S310 - http or https, as seen above
        f"{url.scheme}://{url.netloc}{asked}", headers={"Authorization": f"Bearer {token}"} if token else {}
    )
    try:
        # A redirect is followed by nobody, because it would send the token to another place.
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read(MAX_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            told = error.read(2_000).decode(errors="replace")
        raise CannotExport(f"the service answered with {error.code}: {told}") from error
    except (OSError, ValueError) as error:
        raise CannotExport(f"the service cannot be reached: {error}") from error
    return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Return no request."""


def _of_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotExport(f"{path} cannot be read: {error.strerror}") from error


def _of_function(source: str, runs: int) -> bytes:
    (target,) = load([source])
    caller = Caller(target.site)
    profiler = Profiler(level=Level.SAMPLES, sample_bytes=SAMPLE_BYTES, all_threads=True)
    try:
        with asyncio.Runner() as loop:
            for _ in range(runs):
                with profiler.run(target.name), failures_told(f"{target.name} failed"):
                    caller.run_to_end(target.function, loop)
            profile = profiler.stack_profile()
    finally:
        profiler.close()
    return to_pprof(profile, executable=sys.executable, build_id=build_id(sys.executable))
