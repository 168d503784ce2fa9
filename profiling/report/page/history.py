"""The page of a stored timeline, which is what is left of a process that was killed: pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from profiling.past.recorder import SAVED_EVERY_S
from profiling.past.rings import Rings
from profiling.past.state_file import State as Stored
from profiling.past.timelines import timeline_of
from profiling.records import MemoryLimit, MemoryUsage, OwnerKind, State, Verdict
from profiling.records.timeline import EventKind, Parts, PastEvent, Pressure, Span, Timeline, pressure_at
from profiling.report.headline import Alert, Headline
from profiling.report.page.document import report_html
from profiling.report.page.state import PageState, Row, order, shares_of
from profiling.report.page.words import VERDICTS
from profiling.report.timeline import timeline_to_dict
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.units import MB

MAX_ROWS = 100
ALIVE_S = 2 * SAVED_EVERY_S  # a file that is not older may be of a process that still runs
UNJUDGED = "nothing noted"  # a verdict is noted when it changes; that a new job is stable is not


def history_html(stored: Stored, now_s: float) -> bytes:
    """Return the report of a stored timeline as one file. Raises ValueError if the timeline has no usable reading.

    Args:
        stored: The timeline, with its events.
        now_s: The time in seconds since the epoch.
    """
    timelines = timelines_of(stored)
    answers: dict[str, object] = {f"timeline?span={span}": timeline_to_dict(told) for span, told in timelines.items()}
    answers |= {"jobs": {"jobs": []}, "memory/runs?limit=200": {"runs": []}}  # the page draws them into the timeline
    encoded = {path: json.dumps(answer).encode() for path, answer in answers.items()}
    return report_html(state_of(stored, timelines, now_s), encoded)


def timelines_of(stored: Stored) -> Mapping[Span, Timeline]:
    """Return the timeline of each span, as of the moment when the process was last seen. Raises ValueError."""
    rings = Rings()
    rings.restore(stored.names, stored.rows, stored.saved_s)
    columns = rings.columns_by_size()
    return {span: timeline_of(span, rings.rows(span), columns, stored.events, stored.saved_s) for span in Span}


def state_of(stored: Stored, timelines: Mapping[Span, Timeline], now_s: float) -> PageState:
    """Return the first screen: how full the process was when last seen, and who held how much. Raises ValueError."""
    usage, parts, held = _last_reading(timelines)
    verdicts = _verdicts(_since_start(stored))
    rows = sorted((_row(name, held.get(name), verdicts.get(name)) for name in {*held, *verdicts}), key=order)
    at = datetime.fromtimestamp(stored.saved_s, UTC)
    return PageState(
        at=at,
        process=None,
        usage=usage,
        headline=Headline(
            alert=_alert(usage, rows),
            memory=f"{usage.rss_bytes / MB:,.0f} of {usage.limit.limit_bytes / MB:,.0f} MB when last seen "
            f"at {at:%Y-%m-%d %H:%M:%S %Z}.",
            cause=f"{_end(stored, now_s)} {_cause(rows, stored)}",
            deadline=None,
            end="",
        ),
        shares=shares_of(usage.rss_bytes, rows, parts),
        rows=tuple(rows[:MAX_ROWS]),
        can_steer=False,
        without_samples="" if held else "the timeline does not tell who held how much",
        unjudged=UNJUDGED,
    )


def _last_reading(timelines: Mapping[Span, Timeline]) -> tuple[MemoryUsage, Parts, Mapping[str, int]]:
    """Return what the process used, what that consisted of, and what each job and scope held. Raises ValueError."""
    told = next((timeline for timeline in timelines.values() if timeline.at_s), None)
    rss_bytes, limit_bytes = (told.rss_bytes[-1], told.limit_bytes[-1]) if told else (None, None)
    if told is None or rss_bytes is None or not limit_bytes:
        raise ValueError("it has no reading yet")
    usage = MemoryUsage(
        rss_bytes=rss_bytes, vms_bytes=0, limit=MemoryLimit(limit_bytes=limit_bytes, source="as the process read it")
    )
    return usage, told.last_parts, {name: size for name, sizes in told.held.items() if (size := sizes[-1])}


def _since_start(stored: Stored) -> list[PastEvent]:
    """Return the events of the last process; those before its start are of the processes before it."""
    starts = [number for number, event in enumerate(stored.events, 1) if event.kind is EventKind.RESTART]
    return list(stored.events[starts[-1] if starts else 0 :])


def _verdicts(events: list[PastEvent]) -> Mapping[str, Verdict]:
    """Return the last verdict on each job and scope; an event keeps its state and its reason, and no number."""
    return {
        event.subject: Verdict(
            state=State(event.state), reason=event.text, runs=0, bytes_per_run=None, interval_bytes=None
        )
        for event in events
        if event.kind is EventKind.VERDICT and event.subject is not None
    }


def _row(name: str, held_bytes: int | None, verdict: Verdict | None) -> Row:
    kind = OwnerKind.OUTSIDE if name == OUTSIDE_JOBS else OwnerKind.JOB
    return Row(name=name, kind=kind, calls=0, held_bytes=held_bytes, pace_bytes=None, verdict=verdict)


def _alert(usage: MemoryUsage, rows: list[Row]) -> Alert:
    pressure = pressure_at(usage.percent)
    if pressure is Pressure.CRITICAL:
        return Alert.CRITICAL
    accuses = any(row.verdict is not None and row.verdict.state.is_accusation for row in rows)
    return Alert.WARNING if pressure is Pressure.WARNING or accuses else Alert.CALM


def _end(stored: Stored, now_s: float) -> str:
    """Return how the process ended, as far as the file tells."""
    if stored.is_closed:
        return "The process had closed its profiler."
    if now_s - stored.saved_s < ALIVE_S:
        return "The process had not closed its profiler: it still runs, or was killed."
    return "The process had not closed its profiler, as when it is killed."


def _cause(rows: list[Row], stored: Stored) -> str:
    accused = [(row.name, row.verdict) for row in rows if row.verdict and row.verdict.state.is_accusation]
    if accused:
        others = len(accused) - 1
        also = f" {others} more {'was' if others == 1 else 'were'} accused." if others else ""
        return f"{_accusation(*accused[0])}.{also}"
    before = [(name, each) for name, each in _verdicts(list(stored.events)).items() if each.state.is_accusation]
    if before:
        return f"Of a process before it: {_accusation(*before[-1])}."
    return "No job and no scope was accused."


def _accusation(name: str, verdict: Verdict) -> str:
    return f"{name} ({VERDICTS[verdict.state][1]}): {verdict.reason}"
