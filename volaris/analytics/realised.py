"""Realised volatility from daily bars, by five estimators. Annualised with 252 trading days: 0.2 is 20 % a year.

Each estimator takes the bars of its window, oldest first, with prices in any one unit. Those that use the close of the
day before take one bar more. For the same precision as close to close, Parkinson needs a fifth of the days,
Garman-Klass a seventh, and Yang-Zhang a fourteenth at best. Only close to close and Yang-Zhang include overnight
changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from volaris.analytics.arrays import Floats

TRADING_DAYS = 252
WINDOWS = (10, 20, 60)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarArrays:
    """Daily bars, oldest first, adjusted for splits; all columns of one length."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def __len__(self) -> int:
        return len(self.close)

    def last(self, count: int) -> BarArrays:
        """Return the last `count` bars."""
        rows = slice(len(self) - count, None)
        return BarArrays(open=self.open[rows], high=self.high[rows], low=self.low[rows], close=self.close[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class RealisedVolatility:
    """The figures of one window; None if there are too few bars, or if one of them is not a valid bar."""

    days: int  # length of the window
    close_to_close: float | None
    parkinson: float | None
    garman_klass: float | None
    rogers_satchell: float | None
    yang_zhang: float | None


def realised_volatility(bars: BarArrays, days: int) -> RealisedVolatility:
    """Return all five estimates over the last `days` bars. Raises ValueError for fewer than 2 days."""
    if days < 2:
        raise ValueError(f"a window must have at least 2 days, not {days}")
    window = bars.last(days) if len(bars) >= days else None
    longer = bars.last(days + 1) if len(bars) > days else None
    window = window if window is not None and _are_bars(window) else None
    longer = longer if longer is not None and _are_bars(longer) else None
    return RealisedVolatility(
        days=days,
        close_to_close=None if longer is None else close_to_close(longer),
        parkinson=None if window is None else parkinson(window),
        garman_klass=None if window is None else garman_klass(window),
        rogers_satchell=None if window is None else rogers_satchell(window),
        yang_zhang=None if longer is None else yang_zhang(longer),
    )


def close_to_close(bars: BarArrays) -> float:
    """Return the sample standard deviation (mean removed, n - 1) of log returns, annualised.

    Needs n + 1 bars, with n of at least 2. Source: J. Hull, "Options, Futures and Other Derivatives", the chapter on
    Black-Scholes-Merton.
    """
    returns = np.log(bars.close[1:] / bars.close[:-1])
    return _a_year(float(np.var(returns, ddof=1)))


def parkinson(bars: BarArrays) -> float:
    """Return Σ ln(H/L)² / (4 n ln 2), annualised. Assumes a drift of 0. Needs n bars.

    Source: M. Parkinson, "The extreme value method for estimating the variance of the rate of return" (1980).
    """
    return _a_year(float(np.mean(np.log(bars.high / bars.low) ** 2)) / (4 * math.log(2)))


def garman_klass(bars: BarArrays) -> float:
    """Return Σ (½ ln(H/L)² - (2 ln 2 - 1) ln(C/O)²) / n, annualised. Assumes a drift of 0. Needs n bars.

    Source: M. Garman and M. Klass, "On the estimation of security price volatilities from historical data" (1980).
    """
    spread, move = np.log(bars.high / bars.low), np.log(bars.close / bars.open)
    return _a_year(float(np.mean(0.5 * spread**2 - (2 * math.log(2) - 1) * move**2)))


def rogers_satchell(bars: BarArrays) -> float:
    """Return Σ (ln(H/C) ln(H/O) + ln(L/C) ln(L/O)) / n, annualised, for any drift. Needs n bars.

    Source: L. Rogers and S. Satchell, "Estimating variance from high, low and closing prices" (1991).
    """
    return _a_year(_rogers_satchell_variance(bars))


def yang_zhang(bars: BarArrays) -> float:
    """Return overnight variance + k × open-to-close variance + (1 - k) × Rogers-Satchell, for any drift.

    Here k = 0.34 / (1.34 + (n + 1) / (n - 1)). The first two are sample variances (mean removed, n - 1). Needs n + 1
    bars, with n of at least 2. Source: D. Yang and Q. Zhang, "Drift-independent volatility estimation based on high,
    low, open, and close prices" (2000).
    """
    days = len(bars) - 1
    window = bars.last(days)
    overnight = float(np.var(np.log(window.open / bars.close[:-1]), ddof=1))
    intraday = float(np.var(np.log(window.close / window.open), ddof=1))
    share = 0.34 / (1.34 + (days + 1) / (days - 1))
    return _a_year(overnight + share * intraday + (1 - share) * _rogers_satchell_variance(window))


def _rogers_satchell_variance(bars: BarArrays) -> float:
    up = np.log(bars.high / bars.close) * np.log(bars.high / bars.open)
    down = np.log(bars.low / bars.close) * np.log(bars.low / bars.open)
    return float(np.mean(up + down))


def _a_year(daily_variance: float) -> float:
    return math.sqrt(TRADING_DAYS * daily_variance)


def _are_bars(bars: BarArrays) -> bool:
    """Return whether prices are finite and above 0, and lows and highs enclose them, so that no variance is below 0."""
    lowest = np.minimum(bars.open, bars.close)
    highest = np.maximum(bars.open, bars.close)
    ordered = (bars.low > 0) & (bars.low <= lowest) & (highest <= bars.high) & (bars.high < math.inf)
    return bool(ordered.all())
