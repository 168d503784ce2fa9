"""The HTTP side of the service: data API, probes, and their documentation."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Middleware

from profiling.web.problems import problems_middleware
from volaris.web.api import PRICES, SYMBOLS, PriceReader, SymbolDirectory, outages_middleware, prices, symbols
from volaris.web.openapi import add_openapi
from volaris.web.probes import READY, Readiness, livez, readyz

__all__ = ["MIDDLEWARES", "PriceReader", "Readiness", "SymbolDirectory", "add_routes"]

# For `web.Application(middlewares=...)`: what turns every error below into one form of answer.
MIDDLEWARES: tuple[Middleware, ...] = (problems_middleware, outages_middleware)


def add_routes(
    app: web.Application, *, price_reader: PriceReader, symbol_directory: SymbolDirectory, ready: Readiness
) -> None:
    """Add every route of Volaris but the profiler's to `app`, which was made with MIDDLEWARES and has not started."""
    app[PRICES] = price_reader
    app[SYMBOLS] = symbol_directory
    app[READY] = ready
    app.router.add_get("/api/v1/prices/{symbol}", prices)
    app.router.add_get("/api/v1/symbols", symbols)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    add_openapi(app)
