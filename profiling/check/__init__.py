"""Implements `python -m profiling check`: find a function, run it repeatedly, and report whether it leaks."""

from profiling.check.series import check
from profiling.check.targets import Target, load

__all__ = ["Target", "check", "load"]
