"""Events: what is news, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profiling.past.events import MAX_EVENTS, MAX_SUBJECTS, MAX_TEXT, Events
from profiling.records import State, Suspect, Verdict
from profiling.records.timeline import EventKind, PastEvent
from tests.unit.profiling.make import run


def verdict(state: State) -> Verdict:
    return Verdict(state=state, reason=f"why {state}", runs=50, bytes_per_run=1.0, interval_bytes=None)


def told(events: Events) -> list[tuple[str, str | None, str, str]]:
    return [(event.kind.value, event.subject, event.state, event.text) for event in events.all()]


def test_a_verdict_is_news_when_its_state_changes() -> None:
    events = Events()
    for state in ("insufficient_runs", "stable", "growing", "growing", "insufficient_runs", "leaking", "stable"):
        events.record_verdict(1.0, "job", verdict(State(state)))
    events.record_verdict(1.0, "other", None)
    assert told(events) == [
        ("verdict", "job", "growing", "why growing"),
        ("verdict", "job", "leaking", "why leaking"),
        ("verdict", "job", "stable", "why stable"),
    ]


def test_a_verdict_is_noted_with_the_line_that_keeps_most() -> None:
    sites = [("/app/jobs.py", 12), ("/app/main.py", 3)]
    suspects = tuple(Suspect(site=site, bytes_per_run=1.0, stack=(site,)) for site in sites)
    events = Events()
    events.record_verdict(1.0, "job", replace(verdict(State.LEAKING), suspects=suspects))
    assert told(events) == [("verdict", "job", "leaking", "why leaking; most at /app/jobs.py:12")]


def test_a_degraded_run_is_news_unless_the_run_before_was_degraded_for_the_same_reason() -> None:
    events = Events()
    for reason in (None, "no memory", "no memory", "a fork failed", None, "a fork failed"):
        events.record_run(1.0, run(1, degraded=reason))
    assert [text for _, _, _, text in told(events)] == ["no memory", "a fork failed", "a fork failed"]
    assert told(events)[0][:3] == ("degraded", "work", "lines")


def test_pressure_is_news_and_does_not_flap_at_a_threshold() -> None:
    events = Events()
    for percent in (10, 74, 75, 74, 75, 74, 72, 86, 84, 85, 80, 60):
        events.record_usage(1.0, percent, 100)
    assert [(state, text) for _, _, state, text in told(events)] == [
        ("warning", "75 B of 100 B, 75 %"),
        ("ok", "72 B of 100 B, 72 %"),
        ("critical", "86 B of 100 B, 86 %"),
        ("warning", "80 B of 100 B, 80 %"),
        ("ok", "60 B of 100 B, 60 %"),
    ]


def test_log_is_bounded_in_events_subjects_and_text() -> None:
    events = Events()
    for number in range(2 * MAX_SUBJECTS):
        events.record_run(1.0, run(number, job=f"job {number}", degraded="x" * 10_000))
        events.record_verdict(1.0, f"job {number}", verdict(State.LEAKING))
    assert len(events.all()) == MAX_EVENTS
    assert max(len(text) for _, _, _, text in told(events)) == MAX_TEXT
    assert len(events._states) == len(events._degraded) == MAX_SUBJECTS


@pytest.mark.parametrize("kind", EventKind)
def test_restored_events_come_first(kind: EventKind) -> None:
    events = Events()
    events.record_usage(9.0, 90, 100)
    events.restore([PastEvent(at_s=1.0, kind=kind, subject=None, state="", text="")])
    assert [event.at_s for event in events.all()] == [1.0, 9.0]
