"""One program that is profiled from its first line to its end."""

from __future__ import annotations

import atexit

from profiling.errors import CannotLaunch
from profiling.launch.end import End, write
from profiling.launch.frameworks import label_frameworks
from profiling.launch.program import Program
from profiling.launch.roots import Roots
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.serve import DebugServer


def launch(program: Program, *, level: Level = Level.ADAPTIVE, address: str | None = None) -> None:
    """Run a program with its memory sampled, and print at its end what held most memory and what grew.

    The end may also be a SIGTERM, if the program does not handle it. If an address is given, the debug routes are
    served there. Raises CannotLaunch if there is no such program or if the address cannot be used, and what the
    profiler and the program raise.
    """
    program.prepare()
    profiler = Profiler(level=level)
    profiler.start_watching()
    if address is not None:
        _serve(profiler, address)
    roots = Roots(profiler)
    roots.on()
    label_frameworks(profiler, roots)
    end = End(profiler)
    atexit.register(end.tell)
    end.handle_sigterm()
    program.run()


def _serve(profiler: Profiler, address: str) -> None:
    """Serve the debug routes until the process ends, and print where."""
    try:
        server = DebugServer(profiler, address)
    except (OSError, ValueError) as error:
        raise CannotLaunch(str(error)) from error
    write(f"profiling: the debug routes are served at {server.address}\n")
