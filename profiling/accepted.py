"""Checks of the arguments that users pass to the profiler; each error says which values are accepted."""

from __future__ import annotations

import math

from profiling.records import Level


def level_of(level: str) -> Level:
    """Return the level, which may be given by its name. Raises ValueError, with the accepted names, for others."""
    try:
        return Level(level)
    except ValueError:
        names = ", ".join(Level)
        raise ValueError(f"level must be one of {names}, not {level!r}") from None


def sample_bytes_of(sample_bytes: object) -> float | None:
    """Return the fixed number of bytes per sample, or None to adjust it to the workload. Raises ValueError."""
    if sample_bytes is None:
        return None
    if isinstance(sample_bytes, int | float) and not isinstance(sample_bytes, bool) and 0 < sample_bytes < math.inf:
        return sample_bytes
    raise ValueError(f"sample_bytes must be a number of bytes above 0, or None, not {sample_bytes!r}")


def job_of(job: object) -> str:
    """Return the name of a job. Raises TypeError for anything but a str."""
    if not isinstance(job, str):
        raise TypeError(f"the name of a job must be a str, not {job!r}; write run({str(job)!r})")
    return job
