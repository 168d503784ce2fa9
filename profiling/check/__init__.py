"""The room of `python -m profiling check`: find a function, run it again and again, and judge what it keeps."""

from profiling.check.series import Target, check, load

__all__ = ["Target", "check", "load"]
