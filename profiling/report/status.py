"""How full the memory is, in one word."""

from __future__ import annotations

WARNING_PERCENT = 75.0
CRITICAL_PERCENT = 85.0


def health_status(percent: float) -> str:
    """Return `ok`, `warning` from 75 per cent of the limit, or `critical` above 85."""
    if percent > CRITICAL_PERCENT:
        return "critical"
    return "warning" if percent >= WARNING_PERCENT else "ok"
