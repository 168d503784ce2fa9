"""Run a program that has never heard of the profiler under it: `python -m profiling run script.py`.

Stands on everything else but the command line. Offers `launch`.
"""

from __future__ import annotations

from profiling.launch.program import Program
from profiling.launch.session import launch

__all__ = ["Program", "launch"]
