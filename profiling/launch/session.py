"""One program under the profiler, from its first line to its end."""

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


def launch(program: Program, *, level: Level = Level.ADAPTIVE, address: str | None = None) -> None:
    """Run a program with its memory sampled, and print at its end what held most and what grew.

    The end is also a SIGTERM, where the program has no handler of its own. Raises CannotLaunch if there is no such
    program, what the profiler raises, and whatever the program does.
    """
    program.prepare()
    profiler = Profiler(level=level)
    profiler.start_watching()
    roots = Roots(profiler)
    roots.on()
    label_frameworks(profiler, roots)
    if address is not None:
        _serve(profiler, address)
    end = End(profiler)
    atexit.register(end.tell)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, end.tell_and_terminate)
    program.run()


def _serve(profiler: Profiler, address: str) -> None:
    from profiling.serve import DebugServer

    try:
        server = DebugServer(profiler, address)
    except (OSError, ValueError) as error:
        raise CannotLaunch(f"nobody can listen at {address}: {error}") from error
    write(f"profiling: serving the debug routes at {server.address}/debug\n")


class End:
    """What is told once, when the process ends; a forked child tells of itself."""

    def __init__(self, profiler: Profiler) -> None:
        self._profiler = profiler
        self._told_in: int | None = None  # the process

    def tell(self) -> None:
        """Print what held most and what grew."""
        if self._told_in != os.getpid():
            self._told_in = os.getpid()
            write(farewell(self._profiler))

    def tell_and_terminate(self, number: int, _: FrameType | None) -> None:
        """End by the signal, as the program would have without a profiler."""
        self.tell()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def write(text: str, descriptor: int = 2) -> None:
    """Write all of the text, without the program's `sys.stderr`, which may be closed, or locked by what ends."""
    left = text.encode(errors="backslashreplace")
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except OSError:  # nobody reads
            return
