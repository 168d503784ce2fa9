"""Rows of a ring as a timeline: a pure function."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

from profiling.past.rings import FIGURES, KIB, STEPS, UNKNOWN, WIDTH
from profiling.records.timeline import PastEvent, Span, Timeline


def timeline_of(
    span: Span, rows: array[int], columns: Mapping[str, int], events: Sequence[PastEvent], now_s: float
) -> Timeline:
    """Return the readings and events of a span that ends now.

    Args:
        span: How far the timeline goes back.
        rows: All rows of the span's ring, oldest first.
        columns: The column of each job and scope, in the order of the answer.
        events: All events, oldest first.
        now_s: The time in seconds since the epoch.
    """
    step_s, max_rows = STEPS[span]
    from_step = int(now_s // step_s) - max_rows + 1
    begin = next((at for at in range(0, len(rows), WIDTH) if rows[at] >= from_step), len(rows))
    rows = rows[begin:]

    def column(number: int) -> list[int | None]:
        return [None if size == UNKNOWN else size * KIB for size in rows[number::WIDTH]]

    figures = {f"{name}_bytes": column(number) for number, name in enumerate(FIGURES, 1)}
    return Timeline(
        span=span,
        step_s=step_s,
        now_s=now_s,
        at_s=[step * step_s for step in rows[::WIDTH]],
        held={name: column(number) for name, number in columns.items()},
        events=[event for event in events if event.at_s >= from_step * step_s],
        **figures,
    )
