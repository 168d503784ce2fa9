"""Years to an expiration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.unit.volaris.analytics.chains import NEW_YORK
from volaris.analytics.expiry import years_to


def days_to(expiration: str, now: datetime) -> float:
    return float(years_to(np.array([expiration], dtype="datetime64[D]"), now)[0]) * 365


def test_an_option_lives_to_the_close_in_new_york() -> None:
    assert days_to("2026-08-21", datetime(2026, 7, 24, 16, 0, tzinfo=NEW_YORK)) == pytest.approx(28, abs=1e-9)
    assert days_to("2026-08-21", datetime(2026, 8, 20, 20, 0, tzinfo=UTC)) == pytest.approx(1, abs=1e-9)
    assert days_to("2026-08-21", datetime(2026, 8, 21, 9, 30, tzinfo=NEW_YORK)) == pytest.approx(6.5 / 24, abs=1e-9)


def test_the_night_in_which_clocks_change_has_an_hour_more() -> None:
    assert days_to("2026-11-02", datetime(2026, 10, 31, 16, 0, tzinfo=NEW_YORK)) == pytest.approx(2 + 1 / 24, abs=1e-9)


def test_at_the_close_it_is_over() -> None:
    close = datetime(2026, 8, 21, 16, 0, tzinfo=NEW_YORK)
    assert days_to("2026-08-21", close) == 0
    assert days_to("2026-08-21", close - timedelta(seconds=1)) > 0
    assert days_to("2026-08-21", close + timedelta(seconds=1)) < 0


def test_no_expirations_have_no_years() -> None:
    assert len(years_to(np.array([], dtype="datetime64[D]"), datetime(2026, 1, 1, tzinfo=UTC))) == 0


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="now has no time zone: 2026-01-01 00:00:00"):
        days_to("2026-08-21", datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
