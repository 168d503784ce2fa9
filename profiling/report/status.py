"""How full the memory is, in one word."""

from __future__ import annotations

from profiling.records.timeline import pressure_at


def health_status(percent: float) -> str:
    """Return `ok`, `warning` from 75 per cent of the limit, or `critical` above 85."""
    return pressure_at(percent).value
