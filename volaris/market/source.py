"""The protocols of a market source, one per kind of data, and the choice of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from volaris.market.records import Chain, ChainBounds, Constituent, DailyBars, Quote, Symbol

SOURCES = ("simulated", "replay", "cboe")


class NamedSource(Protocol):
    """The base of all kinds of sources. Every failure is a SourceError that names the symbol and the cause."""

    @property
    def name(self) -> str:
        """Return the name that rows from this source are marked with."""

    async def symbols(self) -> tuple[Symbol, ...]:
        """Return all symbols that the source has data for."""


class QuoteSource(NamedSource, Protocol):
    """Gives prices."""

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        """Return the latest quote of each symbol, in their order. Raises SourceError if one is missing."""


class ChainSource(NamedSource, Protocol):
    """Gives option chains."""

    async def chain(self, symbol: str, bounds: ChainBounds) -> Chain:
        """Return the contracts of the symbol that are within the bounds, at their latest quotes."""


class BarSource(NamedSource, Protocol):
    """Gives daily bars."""

    async def bars(self, symbol: str, days: int) -> DailyBars:
        """Return the last `days` trading days that are over, or as many as the source has."""


class ConstituentSource(Protocol):
    """Gives the members of the S&P 500."""

    async def constituents(self) -> tuple[Constituent, ...]:
        """Return all members, sorted by symbol."""


class Source(QuoteSource, ChainSource, BarSource, ConstituentSource, Protocol):
    """A source for all kinds of market data; if it lacks a kind, it raises a SourceError that says so."""

    @property
    def delay_s(self) -> float:
        """Return how many seconds after a trade the source publishes its price."""

    async def aclose(self) -> None:
        """Close the connections of the source."""


def create_source(name: str, *, cboe_url: str | None = None) -> Source:
    """Create the source of that name; only its own module is imported. Raises ValueError for an unknown name."""
    match name:
        case "simulated":
            from volaris.market.simulated import SimulatedSource

            return SimulatedSource()
        case "replay":
            from volaris.market.replay import ReplaySource

            return ReplaySource()
        case "cboe":
            from volaris.market.cboe import DEFAULT_URL, CboeSource

            return CboeSource(cboe_url or DEFAULT_URL)
    raise ValueError(f"there is no market source {name!r}; choose one of {', '.join(SOURCES)}")
