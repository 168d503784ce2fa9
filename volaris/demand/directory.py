"""The symbols that can be asked for: a protocol of what every market source has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ListedSymbol(Protocol):
    """A symbol of the market source."""

    @property
    def symbol(self) -> str:
        """Return the ticker, for example `BRK.B`."""
        ...

    @property
    def name(self) -> str:
        """Return the company's name."""
        ...


class SymbolDirectory(Protocol):
    """Lists the existing symbols."""

    async def symbols(self) -> Sequence[ListedSymbol]:
        """Return all symbols. Raises SourceUnavailable or SourceTimeout if they are looked up elsewhere in vain."""
        ...
