"""The input of the analytics: the types of its arrays, and a chain as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.float64] | NDArray[np.float32]
Days = NDArray[np.datetime64]  # datetime64[D]
Switches = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainArrays:
    """The option contracts of one symbol: one column per field, all of the same length, in any order.

    Chains are compared by identity, because arrays have no single answer to `==`. Raises ValueError if the columns
    differ in length, or if a strike is not above 0.
    """

    expiration: Days
    strike: AnyFloats  # US dollars, above 0
    is_call: Switches
    bid: AnyFloats  # US dollars per share; 0 or NaN if there is none
    ask: AnyFloats  # US dollars per share; 0 or NaN if there is none

    def __post_init__(self) -> None:
        columns = {"expiration": self.expiration, "strike": self.strike, "is_call": self.is_call}
        columns |= {"bid": self.bid, "ask": self.ask}
        if len({column.shape for column in columns.values()}) != 1 or self.strike.ndim != 1:
            shapes = ", ".join(f"{name} {column.shape}" for name, column in columns.items())
            raise ValueError(f"the columns of a chain must be flat and have the same length, but they are {shapes}")
        if not (self.strike > 0).all():
            raise ValueError("every strike must be above 0, but one in this chain is not")

    def __len__(self) -> int:
        return len(self.strike)
