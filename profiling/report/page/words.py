"""Words and icons of the page: every colour has both beside it."""

from __future__ import annotations

from datetime import datetime

from profiling.records import State, Verdict
from profiling.report.headline import Alert

ALERTS = {Alert.CALM: ("✓", "calm"), Alert.WARNING: ("▲", "warning"), Alert.CRITICAL: ("■", "critical")}
VERDICTS = {
    State.LEAKING: ("▲", "leaks"),
    State.NATIVE_GROWTH: ("▲", "native growth"),
    State.GROWING: ("↗", "growing"),
    State.STABLE: ("✓", "stable"),
    State.INSUFFICIENT_RUNS: ("…", "too few runs"),
}


def verdict_words(verdict: Verdict | None, unjudged: str) -> tuple[str, str, str]:
    """Return the icon, the words and the CSS class of a verdict; `unjudged` are the words if there is none."""
    if verdict is None:
        return "…" if unjudged else "", unjudged, "unknown"
    icon, word = VERDICTS[verdict.state]
    return icon, word, verdict.state.value.replace("_", "-")


def from_now(at: datetime, now: datetime) -> str:
    """Return a time as seen from `now`: "in 3 min", "12 s ago"."""
    seconds = (at - now).total_seconds()
    span = _span(abs(seconds))
    return f"in {span}" if seconds > 0 else f"{span} ago"


def _span(seconds: float) -> str:
    for unit_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{seconds // unit_s:.0f} {unit}"
    return f"{seconds:.0f} s"
