"""Where data comes from: the protocol of a source, and the choice of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from volaris.market.records import Quote, Symbol

SOURCES = ("simulated", "replay", "cboe")


class Source(Protocol):
    """A source of market data. Whatever goes wrong in it is a SourceError that names the symbol and the cause."""

    @property
    def name(self) -> str:
        """What the rows from here are marked with."""

    async def symbols(self) -> tuple[Symbol, ...]:
        """All symbols that there are quotes of."""

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        """The latest quote of each symbol, in their order; all or a SourceError."""

    async def aclose(self) -> None:
        """Let go of what the source holds."""


def create_source(name: str, *, cboe_url: str | None = None) -> Source:
    """The source of that name; only its own module is imported. Raises ValueError for a name that is none."""
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
    raise ValueError(f"no market source {name!r}; there are: {', '.join(SOURCES)}")
