"""Creates what answers questions on demand from the settings, the market source and the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

from volaris.demand.demand import Demand, MaxAges, now_in_utc
from volaris.demand.flights import Flights
from volaris.demand.index_data import IndexData
from volaris.demand.symbol_data import SymbolData
from volaris.jobs.registry import chain_bounds
from volaris.market import Source
from volaris.market.hours import create_hours
from volaris.settings import Settings
from volaris.store import Store

# Data of a job that runs as it should are at most an interval old when its next run begins, and that run may take an
# interval too, which is its time limit.
INTERVALS = 2


def create_demand(
    settings: Settings,
    source: Source,
    store: Store,
    *,
    scope: Callable[[str], AbstractContextManager[Any]],
    tidy_up: Callable[[], Awaitable[None]],
) -> Demand:
    """Create what answers questions on demand; for `scope` and `tidy_up` see Flights."""
    terms: Any = {"bounds": chain_bounds(settings), "rate": settings.risk_free_rate, "now": now_in_utc}
    return Demand(
        source,
        SymbolData(source, store, **terms),
        IndexData(source, store, **terms),
        Flights(at_once=settings.demand_at_once, timeout_s=settings.demand_timeout_s, scope=scope, tidy_up=tidy_up),
        hours=create_hours(settings.market_hours, source=source.name),
        max_ages=max_ages(settings),
    )


def max_ages(settings: Settings) -> MaxAges:
    """Return the seconds of trading after which stored data are stale.

    Figures are as old as their chain, so theirs depends on both intervals.
    """
    return MaxAges(
        quote_s=INTERVALS * settings.prices_interval_s,
        chain_s=INTERVALS * settings.options_interval_s,
        figures_s=INTERVALS * max(settings.options_interval_s, settings.iv_interval_s),
    )
