"""The debug routes on a server of their own: for a process that has no web server at all, or none to open.

    server = DebugServer(profiler, "127.0.0.1:6061")

It needs nothing but the standard library. May import `profiling.web`.
"""

from __future__ import annotations

from profiling.serve.server import DebugServer

__all__ = ["DebugServer"]
