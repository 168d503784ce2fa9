"""The debug routes on a server of their own, for a process without a web server, or with one that is not to have them.

    server = DebugServer(profiler, "127.0.0.1:6061")

The server needs only the standard library. This package may import `profiling.web`.
"""

from __future__ import annotations

from profiling.serve.server import DebugServer

__all__ = ["DebugServer"]
