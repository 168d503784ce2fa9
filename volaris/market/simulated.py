"""A market that is made up: the same prices for the same seed, symbol and time, whoever asks and in whatever order.

The logarithm of a price is noise over time on several scales, from a year down to two minutes. Between the points of a
scale, which are drawn by hashing, it is interpolated smoothly; each scale's size grows with the square root of its
length, as a random walk's does, so that a day moves a price by about the symbol's daily volatility.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from volaris.errors import UnknownSymbol
from volaris.market.constituents import constituents
from volaris.market.records import Quote, Symbol

NAME = "simulated"
DAY_S = 86_400.0
SCALES_S = (365 * DAY_S, 91 * DAY_S, 23 * DAY_S, 6 * DAY_S, 1.5 * DAY_S, 9 * 3600.0, 2 * 3600.0, 1800.0, 450.0, 120.0)
# Measured, not derived: with it the standard deviation of a symbol's daily log returns is its daily volatility (0.999
# of it over 40 symbols and 500 days).
NOISE_SHARE = 0.635


def now_in_utc() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Character:
    """What a symbol's prices are like."""

    base_price: float
    daily_volatility: float  # standard deviation of the daily log return
    daily_volume: int


class SimulatedSource:
    """The 503 symbols of the S&P 500 at made-up prices. Keeps about 300 bytes a symbol, from its first quote on."""

    name = NAME

    def __init__(self, seed: int = 500, now: Callable[[], datetime] = now_in_utc) -> None:
        self._seed = seed
        self._now = now
        self._symbols = constituents()
        self._known = frozenset(entry.symbol for entry in self._symbols)
        self._characters: dict[str, Character] = {}

    async def symbols(self) -> tuple[Symbol, ...]:
        """The members of the index."""
        return self._symbols

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        """Quotes of now. About 30 microseconds each. Raises UnknownSymbol."""
        now = self._now().replace(microsecond=0)
        for symbol in symbols:
            if symbol not in self._known:
                raise UnknownSymbol(NAME, symbol, "not a member of the S&P 500")
        return [self._quote(symbol, now) for symbol in symbols]

    async def aclose(self) -> None:
        """Nothing is held."""

    def _quote(self, symbol: str, now: datetime) -> Quote:
        character = self._characters.get(symbol)
        if character is None:
            character = self._characters[symbol] = character_of(self._seed, symbol)
        price = price_at(self._seed, symbol, character, now)
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


def character_of(seed: int, symbol: str) -> Character:
    """Drawn once and for all from seed and symbol: 15 to 900 dollars, 0.8 to 2.4 per cent a day."""
    return Character(
        base_price=15 * 60 ** draw(seed, symbol, "price"),
        daily_volatility=0.008 + 0.016 * draw(seed, symbol, "volatility"),
        daily_volume=int(300_000 * 200 ** draw(seed, symbol, "volume")),
    )


def price_at(seed: int, symbol: str, character: Character, at: datetime) -> float:
    """The price in dollars and cents, at least one cent."""
    seconds = at.timestamp()
    log_move = sum(
        character.daily_volatility * math.sqrt(scale_s / DAY_S) * NOISE_SHARE * noise(seed, symbol, scale_s, seconds)
        for scale_s in SCALES_S
    )
    return max(0.01, round(character.base_price * math.exp(log_move), 2))


def noise(seed: int, symbol: str, scale_s: float, seconds: float) -> float:
    """Noise of variance about one at the points of its scale, smooth in between."""
    step, position = divmod(seconds / scale_s, 1.0)
    left = draw(seed, symbol, f"{scale_s}:{int(step)}")
    right = draw(seed, symbol, f"{scale_s}:{int(step) + 1}")
    smooth = position * position * (3 - 2 * position)
    return math.sqrt(12) * (left + (right - left) * smooth - 0.5)


def draw(seed: int, symbol: str, what: str) -> float:
    """A number in [0, 1), always the same for the same question."""
    digest = blake2b(f"{seed}:{symbol}:{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
