"""Answers of the service as tables."""

from __future__ import annotations

import pytest

from volaris.cli.commands import FRESH
from volaris.cli.tables import ESTIMATORS, WINDOWS, iv_table
from volaris.demand import Fresh


def test_symbol_without_figures_is_told_with_what_fetches_them() -> None:
    answer: dict[str, object] = {"symbol": "AAPL", "latest": None, "history": []}
    assert iv_table(answer) == "AAPL: no figures are stored; fetch them with --fresh stale"


@pytest.mark.parametrize(
    ("age_s", "fetched", "error", "text"),
    [
        (0.2, True, None, "0 s old, fetched now"),
        (119.4, False, None, "119 s old"),
        (120.0, False, None, "2 min old"),
        (7_199.0, False, None, "120 min old"),
        (7_200.0, False, None, "2 h old"),
        (172_800.0, False, None, "2 days old"),
        (172_800.0, False, "cboe: AAPL: status 500", "2 days old; not fetched: cboe: AAPL: status 500"),
    ],
)
def test_age_of_figures_is_told_in_the_largest_unit_that_fits(
    age_s: float, *, fetched: bool, error: str | None, text: str
) -> None:
    answer = {"symbol": "AAPL", "age_s": age_s, "fetched": fetched, "fetch_error": error, "history": []}
    latest = {"day": "2025-10-14", "spot": 1.0, "source": "cboe", "contracts": 1, "computed_at": "now", "iv_days": 0}
    figures = dict.fromkeys(("iv30", "atm_iv", "skew_25d", "iv_rank", "iv_percentile"))
    realised = {f"{name}_{days}": None for name in ESTIMATORS for days in WINDOWS}
    assert iv_table(answer | {"latest": latest | figures | realised | {"terms": []}}).splitlines()[1] == text


def test_choices_of_fresh_are_those_of_the_service() -> None:
    assert tuple(fresh.value for fresh in Fresh) == FRESH
