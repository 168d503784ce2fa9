"""The room of `python -m profiling check`: find a function, run it again and again, and judge what it keeps."""

from profiling.check.series import check
from profiling.check.targets import Target, load

__all__ = ["Target", "check", "load"]
