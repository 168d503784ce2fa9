"""Profile a program that does not use the profiler itself: `python -m profiling run script.py`.

This package may import everything but the command line. It exports `launch` and `Program`.
"""

from __future__ import annotations

from profiling.launch.program import Program
from profiling.launch.session import launch

__all__ = ["Program", "launch"]
