"""The HTTP side of the service: data API, probes, their documentation, and the server.

May import `profiling.web`, `demand`, `store` (for the records of its rows), `logs` and `errors`. Offers `add_routes`
with the types of its arguments, and `server`, which listens until the process is told to stop.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from profiling.web.problems import problems_middleware
from volaris.demand import SymbolDirectory
from volaris.web.access import access_of
from volaris.web.freshness import DEMAND, OnDemand
from volaris.web.iv import METRICS, MetricsReader, iv
from volaris.web.openapi import add_openapi
from volaris.web.options import CHAINS, ChainReader, options
from volaris.web.outages import outages_middleware
from volaris.web.overview import OVERVIEW, Overview, overview
from volaris.web.prices import PRICES, PriceReader, prices
from volaris.web.probes import READY, Readiness, livez, readyz
from volaris.web.screener import MEMBERS, MemberReader, screener
from volaris.web.streams import STREAMS, Streams
from volaris.web.symbols import SYMBOLS, symbols

__all__ = [
    "MIDDLEWARES",
    "OnDemand",
    "Overview",
    "Readers",
    "Readiness",
    "Streams",
    "SymbolDirectory",
    "access_of",
    "add_routes",
]

# For `web.Application(middlewares=...)`: they turn every error below them into one form of answer.
MIDDLEWARES: tuple[Middleware, ...] = (problems_middleware, outages_middleware)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The repositories that the data API reads."""

    prices: PriceReader
    chains: ChainReader
    metrics: MetricsReader
    members: MemberReader


def add_routes(
    app: web.Application,
    *,
    readers: Readers,
    demand: OnDemand,
    symbol_directory: SymbolDirectory,
    ready: Readiness,
    overview_of: Overview,
    streams: Streams | None = None,
) -> None:
    """Add all routes except the profiler's to `app`, which must have MIDDLEWARES and must not have started."""
    app[DEMAND] = demand
    app[PRICES] = readers.prices
    app[CHAINS] = readers.chains
    app[METRICS] = readers.metrics
    app[MEMBERS] = readers.members
    app[SYMBOLS] = symbol_directory
    app[READY] = ready
    app[OVERVIEW] = overview_of
    app[STREAMS] = streams or Streams()
    app.router.add_get("/", overview)
    app.router.add_get("/api/v1/symbols", symbols)
    app.router.add_get("/api/v1/prices/{symbol}", prices)
    app.router.add_get("/api/v1/options/{symbol}", options)
    app.router.add_get("/api/v1/iv/{symbol}", iv)
    app.router.add_get("/api/v1/screener", screener)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    add_openapi(app)
