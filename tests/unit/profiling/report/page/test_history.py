"""The page of a stored timeline: what is known of a process that has ended, and of how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from profiling.past.rings import Rings
from profiling.past.state_file import State as Stored
from profiling.records import OwnerKind, State
from profiling.records.timeline import EventKind, Parts, PastEvent, Reading, Span
from profiling.report.headline import Alert
from profiling.report.page.history import ALIVE_S, UNJUDGED, history_html, state_of, timelines_of
from profiling.report.page.state import PageState
from profiling.samples.sampling import OUTSIDE_JOBS
from tests.unit.profiling.report.page.test_document import EVIL, Tags

MB = 1 << 20
SAVED_S = 1_790_000_000.0
REASON = "1.0 MiB per run stay alive; most at /app/jobs.py:7"


def event(kind: str, state: str, subject: str | None = None, before_s: float = 60.0, text: str = REASON) -> PastEvent:
    return PastEvent(at_s=SAVED_S - before_s, kind=EventKind(kind), subject=subject, state=state, text=text)


LEAKING = event("verdict", "leaking", "prices")


def stored(
    *events: PastEvent,
    rss_bytes: int = 200 * MB,
    held: Mapping[str, int] | None = None,
    is_closed: bool = False,
    seconds: int = 3,
) -> Stored:
    rings = Rings()
    for second in range(seconds):
        rings.record(
            Reading(
                at_s=SAVED_S - seconds + 1 + second,
                rss_bytes=rss_bytes,
                limit_bytes=512 * MB,
                parts=Parts(python_bytes=60 * MB, c_heap_bytes=20 * MB, free_bytes=5 * MB),
                held=held,
            )
        )
    rows = {span: rings.rows(span) for span in Span}
    return Stored(saved_s=SAVED_S, is_closed=is_closed, names=rings.names(), rows=rows, events=events)


def page(told: Stored, later_s: float = 3_600.0) -> PageState:
    return state_of(told, timelines_of(told), SAVED_S + later_s)


def states(rows: Sequence[object]) -> list[State | None]:
    return [row.verdict.state if row.verdict else None for row in rows]  # type: ignore[attr-defined]


def test_sentence_says_how_full_when_how_it_ended_and_who_was_accused() -> None:
    text = page(stored(LEAKING, held={"prices": 50 * MB})).headline.text
    assert text == (
        "200 of 512 MB when last seen at 2026-09-21 14:13:20 UTC. "
        "The process had not closed its profiler, as when it is killed. "
        f"prices (leaks): {REASON}."
    )


@pytest.mark.parametrize(
    ("is_closed", "later_s", "how"),
    [
        (True, 1.0, "The process had closed its profiler."),
        (False, ALIVE_S - 1, "The process had not closed its profiler: it still runs, or was killed."),
        (False, ALIVE_S, "The process had not closed its profiler, as when it is killed."),
    ],
)
def test_end_of_the_process_is_told_as_far_as_the_file_knows(is_closed: bool, later_s: float, how: str) -> None:
    assert page(stored(is_closed=is_closed), later_s).headline.cause == f"{how} No job and no scope was accused."


def test_rows_are_who_held_memory_at_the_end_with_the_last_verdict() -> None:
    events = (LEAKING, event("verdict", "growing", "cache"), event("verdict", "stable", "cache", 30.0))
    rows = page(stored(*events, held={"cache": 80 * MB, "prices": 50 * MB, OUTSIDE_JOBS: MB, "idle": 0})).rows
    assert [(row.name, row.held_bytes) for row in rows] == [
        ("prices", 50 * MB),
        ("cache", 80 * MB),
        (OUTSIDE_JOBS, MB),
    ]
    assert states(rows) == [State.LEAKING, State.STABLE, None]
    assert rows[2].kind is OwnerKind.OUTSIDE
    assert rows[0].verdict is not None
    assert rows[0].verdict.reason == REASON


def test_verdicts_of_the_process_before_are_told_as_such() -> None:
    restart = event("restart", "not_closed", before_s=40.0)
    told = page(stored(LEAKING, restart, event("verdict", "growing", "cache", 20.0), held={"prices": MB}))
    assert told.headline.cause.endswith(f"Of a process before it: prices (leaks): {REASON}.")
    assert {row.name: row.verdict and row.verdict.state for row in told.rows} == {
        "prices": None,
        "cache": State.GROWING,
    }
    assert told.headline.alert is Alert.CALM


@pytest.mark.parametrize(("rss_mb", "alert"), [(383, "calm"), (384, "warning"), (436, "critical")])
def test_alert_is_that_of_the_last_reading(rss_mb: int, alert: str) -> None:
    assert page(stored(rss_bytes=rss_mb * MB)).headline.alert.value == alert


def test_accused_job_is_a_warning_and_further_ones_are_counted() -> None:
    told = page(stored(LEAKING, event("verdict", "native_growth", "other")))
    assert told.headline.alert is Alert.WARNING
    assert told.headline.cause.endswith(" 1 more was accused.")


def test_bar_sums_up_to_the_last_rss() -> None:
    told = page(stored(held={"prices": 50 * MB}))
    assert [(share.name, share.size_bytes // MB) for share in told.shares] == [
        ("prices", 50),
        ("rest of Python's heap", 10),
        ("C heap", 20),
        ("free in the C allocator", 5),
        ("everything else", 115),
    ]


def test_page_has_the_timeline_of_each_span_and_no_figure_that_is_not_known() -> None:
    html = history_html(stored(LEAKING, held={"prices": 50 * MB, "cache": MB}), SAVED_S).decode()
    for span in Span:
        assert f'"timeline?span={span}":' in html
    assert html.count(f"</span> {UNJUDGED}</span>") == 1
    assert "data-verb" not in html.partition('id="answers"')[0]
    assert "No samples" not in html
    assert "No samples: the timeline does not tell who held how much." in history_html(stored(), SAVED_S).decode()


def test_names_of_others_are_no_markup() -> None:
    told = stored(event("verdict", "leaking", EVIL, text=EVIL), held={EVIL: MB})
    assert "img" not in {name for name, _ in Tags(history_html(told, SAVED_S).decode()).found}


def test_timeline_without_a_usable_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="it has no reading yet"):
        history_html(stored(seconds=0), SAVED_S)
    told = stored()
    with pytest.raises(ValueError, match="are not rows"):
        history_html(replace(told, rows={**told.rows, Span.WEEK: told.rows[Span.WEEK][:-1]}), SAVED_S)
