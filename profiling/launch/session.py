"""One program that is profiled from its first line to its end."""

from __future__ import annotations

import atexit
import os
import signal
from types import FrameType

from profiling.errors import CannotLaunch
from profiling.launch.farewell import farewell
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
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end.tell_and_terminate)
    program.run()


def _serve(profiler: Profiler, address: str) -> None:
    """Serve the debug routes until the process ends, and print where."""
    try:
        server = DebugServer(profiler, address)
    except (OSError, ValueError) as error:
        raise CannotLaunch(str(error)) from error
    write(f"profiling: the debug routes are served at {server.address}\n")


class End:
    """Prints the report once, when the process ends; a forked child prints its own."""

    def __init__(self, profiler: Profiler) -> None:
        self._profiler = profiler
        self._told_in: int | None = None  # id of the process that has printed the report

    def tell(self) -> None:
        """Print what held most memory and what grew."""
        if self._told_in != os.getpid():
            self._told_in = os.getpid()
            write(farewell(self._profiler))

    def tell_and_terminate(self, number: int, _: FrameType | None) -> None:
        """Print the report, and end by the signal, as the program would have without a profiler."""
        self.tell()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def write(text: str, descriptor: int = 2) -> None:
    """Write all of the text to a descriptor, because the program's `sys.stderr` may be closed or locked."""
    left = text.encode(errors="backslashreplace")
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except OSError:  # nobody reads
            return
