"""A made-up market: the same answers for the same seed, symbol and time, in whatever order they are requested."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from volaris.errors import UnknownSymbol
from volaris.market.constituents import constituents, symbols
from volaris.market.records import Chain, ChainBounds, Constituent, DailyBars, Quote, Symbol
from volaris.market.simulated_bars import simulated_bars
from volaris.market.simulated_chain import simulated_chain
from volaris.market.simulated_prices import DAY_S, Character, character_of, price_at

NAME = "simulated"


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


class SimulatedSource:
    """The 503 symbols of the S&P 500 with made-up prices. Keeps about 300 bytes per symbol after its first quote."""

    name = NAME
    delay_s = 0.0

    def __init__(self, seed: int = 500, now: Callable[[], datetime] = now_in_utc) -> None:
        self._seed = seed
        self._now = now
        self._symbols = symbols()
        self._known = frozenset(entry.symbol for entry in self._symbols)
        self._characters: dict[str, Character] = {}

    async def symbols(self) -> tuple[Symbol, ...]:
        """Return the members of the index."""
        return self._symbols

    async def constituents(self) -> tuple[Constituent, ...]:
        """Return the members of the index, which are real."""
        return constituents()

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        """Return quotes of the present moment, about 30 microseconds each. Raises UnknownSymbol."""
        now = self._now().replace(microsecond=0)
        characters = [self._character(symbol) for symbol in symbols]
        return [_quote(self._seed, *each, now) for each in zip(symbols, characters, strict=True)]

    async def chain(self, symbol: str, bounds: ChainBounds) -> Chain:
        """Return the chain of the present moment: about 1 500 contracts before the bounds, computed in a thread.

        Raises UnknownSymbol.
        """
        now = self._now().replace(microsecond=0)
        return await asyncio.to_thread(simulated_chain, self._seed, symbol, self._character(symbol), now, bounds)

    async def bars(self, symbol: str, days: int) -> DailyBars:
        """Return the last `days` weekdays that are over, computed in a thread. Raises UnknownSymbol."""
        now = self._now()
        return await asyncio.to_thread(simulated_bars, self._seed, symbol, self._character(symbol), now, days)

    async def aclose(self) -> None:
        """Do nothing, because nothing is open."""

    def _character(self, symbol: str) -> Character:
        if symbol not in self._known:
            raise UnknownSymbol(NAME, symbol, "it is not a member of the S&P 500")
        character = self._characters.get(symbol)
        if character is None:
            character = self._characters[symbol] = character_of(self._seed, symbol)
        return character


def _quote(seed: int, symbol: str, character: Character, now: datetime) -> Quote:
    price = price_at(seed, symbol, character, now)
    spread = max(0.01, round(price * 0.0004, 2))
    return Quote(
        symbol=symbol,
        source=NAME,
        price=price,
        bid=round(price - spread / 2 - 0.004, 2),
        ask=round(price + spread / 2 + 0.004, 2),
        volume=int(character.daily_volume * (now.timestamp() % DAY_S) / DAY_S),
        quoted_at=now,
    )
