"""Made-up prices: the same for the same seed, symbol and time, in whatever order they are requested.

The logarithm of a price is noise over time on several scales, from a year down to two minutes. Between the points of a
scale, whose numbers are made by a hash, it is interpolated smoothly. The amplitude of a scale grows with the square
root of its length, as in a random walk, so that a day moves a price by about the symbol's daily volatility.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from volaris.market.records import Floats

DAY_S = 86_400.0
SCALES_S = (365 * DAY_S, 91 * DAY_S, 23 * DAY_S, 6 * DAY_S, 1.5 * DAY_S, 9 * 3600.0, 2 * 3600.0, 1800.0, 450.0, 120.0)
# Measured, not derived: with it the standard deviation of a symbol's daily log returns is its daily volatility (0.99
# of it over 40 symbols and 500 days).
NOISE_SHARE = 0.635


@dataclass(frozen=True, slots=True)
class Character:
    """The character of a symbol's prices."""

    base_price: float
    daily_volatility: float  # standard deviation of the daily log return
    daily_volume: int


def character_of(seed: int, symbol: str) -> Character:
    """Return how a symbol's prices behave: a level of 15 to 900 dollars, and a daily volatility of 0.8 to 2.4 %."""
    return Character(
        base_price=15 * 60 ** draw(seed, symbol, "price"),
        daily_volatility=0.008 + 0.016 * draw(seed, symbol, "volatility"),
        daily_volume=int(300_000 * 200 ** draw(seed, symbol, "volume")),
    )


def price_at(seed: int, symbol: str, character: Character, at: datetime) -> float:
    """Return the price in dollars and cents, at least one cent."""
    seconds = at.timestamp()
    log_move = sum(
        character.daily_volatility * math.sqrt(scale_s / DAY_S) * NOISE_SHARE * noise(seed, symbol, scale_s, seconds)
        for scale_s in SCALES_S
    )
    return max(0.01, round(character.base_price * math.exp(log_move), 2))


def prices_at(seed: int, symbol: str, character: Character, seconds: Floats) -> Floats:
    """Return `price_at` for many moments, in seconds since the epoch, without a loop over them."""
    log_move = np.zeros(len(seconds))
    for scale_s in SCALES_S:
        size = character.daily_volatility * math.sqrt(scale_s / DAY_S) * NOISE_SHARE
        log_move += size * _noises(seed, symbol, scale_s, seconds)
    return np.maximum(0.01, np.round(character.base_price * np.exp(log_move), 2))


def noise(seed: int, symbol: str, scale_s: float, seconds: float) -> float:
    """Return noise with a variance of about one at the points of its scale, smooth in between."""
    step, position = divmod(seconds / scale_s, 1.0)
    key = drawn_bits(seed, symbol, f"{scale_s}")
    left, right = _point(key, int(step)), _point(key, int(step) + 1)
    smooth = position * position * (3 - 2 * position)
    return math.sqrt(12) * (left + (right - left) * smooth - 0.5)


def draw(seed: int, symbol: str, what: str) -> float:
    """Return a number in [0, 1), always the same for the same arguments."""
    return drawn_bits(seed, symbol, what) / 2**64


def drawn_bits(seed: int, symbol: str, what: str) -> int:
    """Return a number of 64 bits, always the same for the same arguments."""
    digest = blake2b(f"{seed}:{symbol}:{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


# The points of a scale are SplitMix64's numbers (Steele, Lea and Flood, 2014) from a key on, which costs a hundredth of
# hashing each of them: a year of bars asks for tens of thousands.
STEP = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
WORD = 2**64 - 1


def _point(key: int, step: int) -> float:
    """Return the number in [0, 1) of one point of a scale."""
    mixed = (key + step * STEP) & WORD
    mixed = (mixed ^ mixed >> 30) * FIRST & WORD
    mixed = (mixed ^ mixed >> 27) * SECOND & WORD
    return ((mixed ^ mixed >> 31) >> 11) / 2**53


def _points(key: int, steps: NDArray[np.uint64]) -> Floats:
    """Return the numbers of many points; array arithmetic wraps around by itself."""
    mixed = np.uint64(key) + steps * np.uint64(STEP)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(FIRST)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(SECOND)
    numbers: Floats = ((mixed ^ mixed >> np.uint64(31)) >> np.uint64(11)) / 2**53
    return numbers


def _noises(seed: int, symbol: str, scale_s: float, seconds: Floats) -> Floats:
    step, position = np.divmod(seconds / scale_s, 1.0)
    steps = step.astype(np.int64).astype(np.uint64)
    key = drawn_bits(seed, symbol, f"{scale_s}")
    left, right = _points(key, steps), _points(key, steps + np.uint64(1))
    smooth = position * position * (3 - 2 * position)
    noises: Floats = math.sqrt(12) * (left + (right - left) * smooth - 0.5)
    return noises
