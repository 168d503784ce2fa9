"""The timeline as a dict for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from profiling.records.timeline import PastEvent, Timeline

Json = dict[str, Any]
Figures = Sequence[int | None]


def timeline_to_dict(timeline: Timeline) -> Json:
    """Return the answer of `/timeline`, with a list for each figure; all lists have one length."""
    return {
        "span": timeline.span.value,
        "step_s": timeline.step_s,
        "now": _time(timeline.now_s),
        "at": timeline.at_s,
        "rss_bytes": timeline.rss_bytes,
        "peak_bytes": timeline.peak_bytes,
        "limit_bytes": timeline.limit_bytes,
        "python_bytes": timeline.python_bytes,
        "c_heap_bytes": timeline.c_heap_bytes,
        "free_bytes": timeline.free_bytes,
        "rest_bytes": _rest(timeline),
        "held": [{"scope": name, "bytes": sizes} for name, sizes in timeline.held.items()],
        "events": [_event_to_dict(event) for event in timeline.events],
    }


def _rest(timeline: Timeline) -> Figures:
    """Return the RSS without its known parts; the parts are estimates, so their sum may be above the RSS."""
    parts = (timeline.rss_bytes, timeline.python_bytes, timeline.c_heap_bytes, timeline.free_bytes)
    return [
        None if rss is None else max(0, rss - (python or 0) - (c_heap or 0) - (free or 0))
        for rss, python, c_heap, free in zip(*parts, strict=True)
    ]


def _event_to_dict(event: PastEvent) -> Json:
    return {
        "at": _time(event.at_s),
        "kind": event.kind.value,
        "subject": event.subject,
        "state": event.state,
        "text": event.text,
    }


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
