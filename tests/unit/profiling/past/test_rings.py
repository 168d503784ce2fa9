"""Rings of readings: what is kept, how it is summed up, and how little memory that takes."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.past.rings import HELD_AT, KIB, MAX_HELD, PEAK, RSS, STEPS, UNKNOWN, WIDTH, Ring, Rings
from profiling.records.timeline import Parts, Reading, Span

HOUR_S, DAY_S = 3_600, 86_400
BEGIN_S = 1_800_000_000


def reading(at_s: float, rss_kib: int = 1_000, **fields: object) -> Reading:
    made: dict[str, object] = {"at_s": at_s, "rss_bytes": rss_kib * KIB, "limit_bytes": 2**30, **fields}
    return Reading(**made)  # type: ignore[arg-type]


def rows_of(rings: Rings, span: Span) -> list[list[int]]:
    numbers = list(rings.rows(span))
    return [numbers[at : at + WIDTH] for at in range(0, len(numbers), WIDTH)]


def column(rings: Rings, name: str, span: Span = Span.TEN_MINUTES) -> list[int | None]:
    at = rings.columns_by_size()[name]
    return [None if row[at] == UNKNOWN else row[at] for row in rows_of(rings, span)]


def test_row_has_the_mean_and_the_highest_rss_of_its_step_and_the_last_of_all_else() -> None:
    rings = Rings()
    for second, rss_kib in enumerate([100, 400, 100, 200]):
        parts = Parts(python_bytes=second * KIB)
        rings.record(reading(BEGIN_S + second, rss_kib, parts=parts))
    (row,) = rows_of(rings, Span.TWO_HOURS)
    assert row[:7] == [BEGIN_S // 10, 200, 400, 2**20, 3, UNKNOWN, UNKNOWN]
    assert [row[RSS] for row in rows_of(rings, Span.TEN_MINUTES)] == [100, 400, 100, 200]


def test_full_ring_forgets_its_oldest_rows() -> None:
    ring = Ring(step_s=2, max_rows=3)
    for at_s in range(0, 20, 2):
        ring.record(at_s, [at_s] * (WIDTH - 1))
    rows = ring.rows()
    assert list(rows[::WIDTH]) == [7, 8, 9]
    assert list(rows[RSS::WIDTH]) == [14, 16, 18]


@given(st.lists(st.integers(0, 60), max_size=80), st.integers(1, 5), st.integers(1, 7))
def test_rows_are_in_the_order_of_time_whatever_the_clock_does(times: list[int], step_s: int, max_rows: int) -> None:
    ring = Ring(step_s, max_rows)
    for at_s in times:
        ring.record(at_s, [at_s] * (WIDTH - 1))
    steps = list(ring.rows()[::WIDTH])
    assert steps == sorted(set(steps))
    assert len(steps) <= max_rows
    assert (steps[-1] if steps else None) == max((at_s // step_s for at_s in times), default=None)
    assert all(peak >= mean for mean, peak in zip(ring.rows()[RSS::WIDTH], ring.rows()[PEAK::WIDTH], strict=True))


def test_a_week_takes_under_a_third_of_a_megabyte() -> None:
    rings = Rings()
    for minute in range(9 * 24 * 60):
        rings.record(reading(BEGIN_S + 60 * minute, held={f"job {number}": 10_000 for number in range(40)}))
    for second in range(1_200):
        rings.record(reading(BEGIN_S + 9 * DAY_S + second))
    assert [len(rows_of(rings, span)) for span in Span] == [600, 720, 2_016]
    assert sum(rings.rows(span).itemsize * len(rings.rows(span)) for span in Span) < 0.31 * 2**20
    assert [max_rows * step_s for step_s, max_rows in STEPS.values()] == [600, 2 * HOUR_S, 7 * DAY_S]


def test_who_holds_much_has_a_column_and_takes_it_from_who_holds_little() -> None:
    rings = Rings()
    small = {f"small {number:02}": (number + 1) * KIB for number in range(MAX_HELD)}
    rings.record(reading(BEGIN_S, held=small))
    rings.record(reading(BEGIN_S + 1, held={**small, "large": 50 * KIB, "as small": KIB}))
    assert list(rings.columns_by_size())[:2] == ["large", "small 15"]
    assert "small 00" not in rings.columns_by_size()
    assert "as small" not in rings.columns_by_size()
    assert column(rings, "large") == [None, 50]  # and not what the other had
    assert column(rings, "small 15") == [16, 16]


def test_two_of_about_one_size_do_not_replace_each_other() -> None:
    rings = Rings()
    others = {f"other {number:02}": 1_000 * KIB for number in range(MAX_HELD - 1)}
    for second in range(20):
        rings.record(reading(BEGIN_S + second, held={**others, "first": 100 * KIB, "second": (90 + second) * KIB}))
    assert "first" in rings.columns_by_size()
    assert "second" not in rings.columns_by_size()


def test_who_holds_nothing_any_more_has_zeros_and_unknown_is_not_zero() -> None:
    rings = Rings()
    rings.record(reading(BEGIN_S, held={"job": 5 * KIB}))
    rings.record(reading(BEGIN_S + 1, held={}))
    rings.record(reading(BEGIN_S + 2, held=None))
    assert column(rings, "job") == [5, 0, None]


def test_restored_rings_go_on_where_they_were() -> None:
    before, after = Rings(), Rings()
    for second in range(700):
        before.record(reading(BEGIN_S + second, 500, held={"job": 7 * KIB}))
    after.restore(before.names(), {span: before.rows(span) for span in Span}, BEGIN_S + 1_000)
    for rings in (before, after):
        rings.record(reading(BEGIN_S + 1_000, 900, held={"job": 9 * KIB}))
    assert [rows_of(before, span) for span in Span] == [rows_of(after, span) for span in Span]
    assert column(after, "job")[-2:] == [7, 9]


def test_rows_of_the_future_are_not_restored() -> None:
    before, after = Rings(), Rings()
    for second in range(100):
        before.record(reading(BEGIN_S + second))
    after.restore(before.names(), {span: before.rows(span) for span in Span}, BEGIN_S + 50)
    assert len(rows_of(after, Span.TEN_MINUTES)) == 51
    after.record(reading(BEGIN_S + 51))
    assert len(rows_of(after, Span.TEN_MINUTES)) == 52


@pytest.mark.parametrize(
    ("rows", "names", "message"),
    [
        (array("I", [1] * (WIDTH - 1)), [None] * MAX_HELD, "are not rows"),
        (array("I", [1] * WIDTH * 601), [None] * MAX_HELD, "or are too many"),
        (array("I", [1] * WIDTH * 2), [None] * MAX_HELD, "not in the order of time"),
        (array("I"), [None] * (MAX_HELD - 1), "a name, or none, for each column"),
        (array("I"), ["twice"] * MAX_HELD, "none of them twice"),
    ],
)
def test_what_no_rings_have_written_is_refused(rows: array[int], names: list[str | None], message: str) -> None:
    empty: array[int] = array("I")
    with pytest.raises(ValueError, match=message):
        Rings().restore(names, {Span.TEN_MINUTES: rows, Span.TWO_HOURS: empty, Span.WEEK: empty}, BEGIN_S)


def test_columns_of_what_is_held_are_the_last() -> None:
    assert HELD_AT + MAX_HELD == WIDTH
