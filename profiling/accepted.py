"""What a user gives the profiler: accepted, or refused in a sentence that says what fits."""

from __future__ import annotations

import math

from profiling.records import Level


def level_of(level: str) -> Level:
    """Return the level, which may be given by its name. Raises ValueError with the names there are."""
    try:
        return Level(level)
    except ValueError:
        names = ", ".join(Level)
        raise ValueError(f"level is one of {names}, and not {level!r}") from None


def sample_bytes_of(sample_bytes: object) -> float | None:
    """Return the bytes from sample to sample, or None if they follow the work. Raises ValueError."""
    if sample_bytes is None:
        return None
    if isinstance(sample_bytes, int | float) and not isinstance(sample_bytes, bool) and 0 < sample_bytes < math.inf:
        return sample_bytes
    raise ValueError(f"sample_bytes is a number of bytes above 0, or None, and not {sample_bytes!r}")


def job_of(job: object) -> str:
    """Return the name of a job. Raises TypeError for what is no text."""
    if not isinstance(job, str):
        raise TypeError(f"the name of a job is a str, and not {job!r}: write run({str(job)!r})")
    return job
