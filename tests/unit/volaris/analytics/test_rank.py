"""IV rank and IV percentile, and the days that they need."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from volaris.analytics import IvRank, iv_rank

YEAR = [0.2 + 0.001 * day for day in range(252)]  # 0.200 to 0.451


def test_rank_is_where_today_stands_and_percentile_how_many_days_were_lower() -> None:
    before = [0.1] * 200 + [0.5] * 52
    found = iv_rank(0.2, before)
    assert found.days == 252
    assert found.rank == pytest.approx(25.0)
    assert found.percentile == pytest.approx(100 * 200 / 252)


def test_a_day_as_high_as_today_is_not_below_it() -> None:
    assert iv_rank(0.2, YEAR).percentile == 0.0
    assert iv_rank(0.2, YEAR).rank == 0.0


@pytest.mark.parametrize(("today", "expected"), [(0.9, 100.0), (0.1, 0.0)])
def test_a_new_high_is_100_and_a_new_low_0(today: float, expected: float) -> None:
    assert iv_rank(today, YEAR) == IvRank(rank=expected, percentile=expected, days=252)


def test_with_a_day_too_few_there_are_only_the_days() -> None:
    assert iv_rank(0.3, YEAR[:251]) == IvRank(rank=None, percentile=None, days=251)
    assert iv_rank(0.3, []) == IvRank(rank=None, percentile=None, days=0)


def test_days_before_the_window_do_not_count() -> None:
    assert iv_rank(0.3, [*YEAR, 0.01, 9.0]) == iv_rank(0.3, YEAR)


def test_a_year_that_stood_still_has_no_rank() -> None:
    assert iv_rank(0.2, [0.2] * 252) == IvRank(rank=None, percentile=0.0, days=252)


@example(today=2.82540888126967, before=[1.0, 1.0, 1.0, 1.0, 0.01])  # was 100.00000000000001
@given(today=st.floats(0.01, 5.0), before=st.lists(st.floats(0.01, 5.0), min_size=5, max_size=8))
def test_both_are_from_0_to_100(today: float, before: list[float]) -> None:
    found = iv_rank(today, before, window=5)
    assert found.days == 5
    assert found.percentile is not None
    assert 0 <= found.percentile <= 100
    assert found.rank is None or 0 <= found.rank <= 100
