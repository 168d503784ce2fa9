"""Realised volatility: against another library, against the formulas written down again, and its laws."""

from __future__ import annotations

from math import inf, log, nan, sqrt
from statistics import fmean, variance

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.analytics import WINDOWS, BarArrays, RealisedVolatility, realised_volatility

NAMES = ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")

Bar = tuple[float, float, float, float]  # open, high, low, close

ELEVEN: list[Bar] = [
    (100.0, 101.2, 99.1, 100.5),
    (100.9, 102.75, 100.4, 102.3),
    (102.1, 102.6, 100.2, 100.7),
    (99.8, 100.9, 98.85, 100.6),
    (100.6, 103.1, 100.5, 102.95),
    (103.4, 104.0, 102.2, 102.5),
    (102.5, 102.9, 101.05, 101.3),
    (101.0, 101.75, 99.6, 99.9),
    (100.2, 101.6, 99.7, 101.4),
    (101.9, 103.3, 101.5, 102.8),
    (102.6, 104.45, 102.1, 104.2),
]

# What wickra 2.0.0, a library of indicators in Rust, gives in per cent for these bars, a period of 10 and 252 days.
WICKRA = {
    "close_to_close": 23.136435058277304,
    "parkinson": 20.094327548020942,
    "garman_klass": 19.681500488357035,
    "rogers_satchell": 18.652332946358936,
    "yang_zhang": 20.223549606958542,
}


def bars_of(bars: list[Bar]) -> BarArrays:
    open_, high, low, close = np.array(bars, dtype=np.float64).reshape(-1, 4).T
    return BarArrays(open=open_, high=high, low=low, close=close)


def figures(found: RealisedVolatility) -> dict[str, float | None]:
    return {name: getattr(found, name) for name in NAMES}


@st.composite
def series(draw: st.DrawFn, bars: int) -> list[Bar]:
    """Days that move by up to 20 %, with gaps overnight."""
    close = draw(st.floats(1.0, 1000.0))
    move = st.floats(-0.2, 0.2)
    out: list[Bar] = []
    for _ in range(bars):
        open_ = close * (1 + draw(move))
        close = open_ * (1 + draw(move))
        high = max(open_, close) * (1 + draw(st.floats(0.0, 0.2)))
        low = min(open_, close) * (1 - draw(st.floats(0.0, 0.2)))
        out.append((open_, high, low, close))
    return out


def by_the_book(bars: list[Bar]) -> dict[str, float]:
    """The five formulas over n + 1 bars, one day at a time and without arrays."""
    before, days = bars[:-1], bars[1:]
    count = len(days)
    returns = [log(day[3] / last[3]) for day, last in zip(days, before, strict=True)]
    overnight = [log(day[0] / last[3]) for day, last in zip(days, before, strict=True)]
    intraday = [log(close / open_) for open_, _, _, close in days]
    spread = [log(high / low) for _, high, low, _ in days]
    satchell = fmean(
        log(high / close) * log(high / open_) + log(low / close) * log(low / open_) for open_, high, low, close in days
    )
    share = 0.34 / (1.34 + (count + 1) / (count - 1))
    daily = {
        "close_to_close": variance(returns),
        "parkinson": sum(part**2 for part in spread) / (4 * count * log(2)),
        "garman_klass": fmean(
            0.5 * wide**2 - (2 * log(2) - 1) * moved**2 for wide, moved in zip(spread, intraday, strict=True)
        ),
        "rogers_satchell": satchell,
        "yang_zhang": variance(overnight) + share * variance(intraday) + (1 - share) * satchell,
    }
    return {name: sqrt(252 * max(value, 0.0)) for name, value in daily.items()}


def test_all_five_agree_with_another_library() -> None:
    found = figures(realised_volatility(bars_of(ELEVEN), 10))
    assert found == {name: pytest.approx(percent / 100, abs=1e-12) for name, percent in WICKRA.items()}


@given(series(bars=21))
def test_all_five_agree_with_the_formulas_written_down_again(bars: list[Bar]) -> None:
    found = figures(realised_volatility(bars_of(bars), 20))
    assert found == {name: pytest.approx(value, abs=1e-10) for name, value in by_the_book(bars).items()}


def test_only_the_last_days_count() -> None:
    wild: list[Bar] = [(10.0, 500.0, 1.0, 300.0)] * 5
    assert realised_volatility(bars_of([*wild, *ELEVEN]), 10) == realised_volatility(bars_of(ELEVEN), 10)


@pytest.mark.parametrize("days", WINDOWS)
@given(price=st.floats(0.01, 1e6))
def test_prices_that_stand_still_have_none(days: int, price: float) -> None:
    found = realised_volatility(bars_of([(price, price, price, price)] * (days + 1)), days)
    assert figures(found) == dict.fromkeys(NAMES, 0.0)


@given(bars=series(bars=11), scale=st.floats(1e-3, 1e3))
def test_the_unit_of_price_does_not_matter(bars: list[Bar], scale: float) -> None:
    here = figures(realised_volatility(bars_of(bars), 10))
    there = figures(
        realised_volatility(bars_of([(o * scale, h * scale, low * scale, c * scale) for o, h, low, c in bars]), 10)
    )
    assert there == {name: pytest.approx(value, abs=1e-7) for name, value in here.items()}


@given(bars=series(bars=11), drift=st.floats(0.9, 1.1))
def test_a_steady_drift_overnight_leaves_what_takes_the_mean_out(bars: list[Bar], drift: float) -> None:
    moved = [(o * drift**at, h * drift**at, low * drift**at, c * drift**at) for at, (o, h, low, c) in enumerate(bars)]
    here, there = figures(realised_volatility(bars_of(bars), 10)), figures(realised_volatility(bars_of(moved), 10))
    assert there == {name: pytest.approx(value, abs=1e-6) for name, value in here.items()}


def test_what_looks_at_the_day_before_needs_one_bar_more() -> None:
    ten = figures(realised_volatility(bars_of(ELEVEN[1:]), 10))
    assert [name for name in NAMES if ten[name] is None] == ["close_to_close", "yang_zhang"]
    nine = figures(realised_volatility(bars_of(ELEVEN[2:]), 10))
    assert nine == dict.fromkeys(NAMES)
    assert realised_volatility(bars_of([]), 10).days == 10


@pytest.mark.parametrize(
    "bar",
    [
        (100.0, 101.0, 99.0, nan),
        (100.0, inf, 99.0, 100.0),
        (100.0, 101.0, 0.0, 100.0),
        (100.0, 99.9, 99.0, 99.5),
        (100.0, 101.0, 99.0, 101.1),
        (100.0, 101.0, 100.5, 100.7),
    ],
    ids=["no close", "no end", "nothing", "open above high", "close above high", "open below low"],
)
def test_a_bar_that_is_none_leaves_its_windows_without_figures(bar: Bar) -> None:
    spoilt = [*ELEVEN[:5], bar, *ELEVEN[6:]]
    assert figures(realised_volatility(bars_of(spoilt), 10)) == dict.fromkeys(NAMES)
    assert None not in figures(realised_volatility(bars_of(spoilt), 4)).values()


def test_a_bar_that_is_none_before_the_window_spoils_what_looks_at_it() -> None:
    spoilt = [(nan, nan, nan, nan), *ELEVEN[1:]]
    found = figures(realised_volatility(bars_of(spoilt), 10))
    assert [name for name in NAMES if found[name] is None] == ["close_to_close", "yang_zhang"]


def test_a_window_of_one_day_has_no_spread() -> None:
    with pytest.raises(ValueError, match="a window must have at least 2 days, not 1"):
        realised_volatility(bars_of(ELEVEN), 1)
    assert None not in figures(realised_volatility(bars_of(ELEVEN), 2)).values()
