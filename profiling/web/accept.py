"""The media types that a client prefers."""

from __future__ import annotations

HTML = "text/html"


def prefers_html(accept: str) -> bool:
    """Return whether an Accept header names text/html, and does not prefer JSON."""
    wanted = dict(_media_ranges(accept))
    json = next((wanted[kind] for kind in ("application/json", "application/*", "*/*") if kind in wanted), 0.0)
    html = wanted.get(HTML, 0.0)
    return html > 0 and html >= json


def _media_ranges(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for entry in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
        ranges.append((kind, _weight(weights[0]) if weights else 1.0))
    return ranges


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
