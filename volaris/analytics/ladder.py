"""A chain as ladders: for each expiration its strikes, with the call's and the put's quotes side by side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from volaris.analytics.arrays import ChainArrays, Days, Floats, Indices, Switches


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """The quotes of all calls, or of all puts, of a ladder."""

    mid: Floats  # US dollars, between bid and ask; half the ask if there is no bid; NaN if the contract is not listed
    quoted: Switches  # whether there is a bid, and an ask that is not below it
    listed: Switches

    def part(self, rows: slice) -> Side:
        """Return the side with only some of its rows."""
        return Side(mid=self.mid[rows], quoted=self.quoted[rows], listed=self.listed[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """The quotes of one expiration, one row per strike."""

    strike: Floats  # US dollars, ascending
    call: Side
    put: Side
    difference: Floats  # US dollars, the call's mid price minus the put's; NaN if not both are quoted

    def __len__(self) -> int:
        return len(self.strike)

    def part(self, rows: slice) -> Ladder:
        """Return the ladder with only some of its rows."""
        call, put = self.call.part(rows), self.put.part(rows)
        return Ladder(strike=self.strike[rows], call=call, put=put, difference=self.difference[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladders:
    """The ladders of a chain, and the row of each contract in them."""

    expiration: Days  # ascending, each once
    ladders: tuple[Ladder, ...]  # one per expiration
    rows: tuple[slice, ...]  # the rows of each ladder, counted through all ladders
    expiration_of: Indices  # for each contract, the index into `expiration`
    row_of: Indices  # for each contract, its row, counted through all ladders

    def spread_out(self, values: Floats, chosen: Switches) -> Floats:
        """Return the `values` of the chosen contracts by row, all ladders in one array; NaN in rows without one."""
        rows = np.full(sum(map(len, self.ladders)), np.nan)
        rows[self.row_of[chosen]] = values[chosen]
        return rows


def two_sided(bid: Floats, ask: Floats) -> Switches:
    """Return for each contract whether it has a bid, and an ask that is not below the bid."""
    return (bid > 0) & (ask >= bid)


def ladder_of(*, strike: Floats, call_bid: Floats, call_ask: Floats, put_bid: Floats, put_ask: Floats) -> Ladder:
    """Build a ladder, the call and put quotes of one expiration by ascending strike, in US dollars per share.

    A quote is NaN if the contract is not listed, and 0 if it is listed but has no bid or ask.
    """
    call, put = _side(call_bid, call_ask), _side(put_bid, put_ask)
    difference = np.where(call.quoted & put.quoted, call.mid - put.mid, np.nan)
    return Ladder(strike=strike, call=call, put=put, difference=difference)


def ladders_of(chain: ChainArrays) -> Ladders:
    """Build the chain's ladders. Of several contracts with the same expiration, strike and type, any one is used."""
    expiration, expiration_of = np.unique(chain.expiration, return_inverse=True)
    order = np.lexsort((chain.strike, expiration_of))
    strike, place = chain.strike[order].astype(np.float64), expiration_of[order]
    starts = np.ones(len(order), dtype=np.bool_)
    starts[1:] = (strike[1:] != strike[:-1]) | (place[1:] != place[:-1])
    row_of = np.empty(len(order), dtype=np.intp)
    row_of[order] = np.cumsum(starts) - 1
    ends = np.searchsorted(place[starts], np.arange(len(expiration) + 1)).tolist()
    rows = tuple(slice(first, last) for first, last in pairwise(ends))
    whole = ladder_of(strike=strike[starts], **_columns(chain, row_of, ends[-1]))
    return Ladders(
        expiration=expiration,
        ladders=tuple(whole.part(own) for own in rows),
        rows=rows,
        expiration_of=expiration_of,
        row_of=row_of,
    )


def _side(bid: Floats, ask: Floats) -> Side:
    return Side(mid=(bid + ask) / 2, quoted=two_sided(bid, ask), listed=~np.isnan(bid))


def _columns(chain: ChainArrays, row_of: Indices, rows: int) -> dict[str, Floats]:
    columns = {}
    for side, chosen in (("call", chain.is_call), ("put", ~chain.is_call)):
        for name, quotes in (("bid", chain.bid), ("ask", chain.ask)):
            column = np.full(rows, np.nan)
            # A missing price becomes 0, because NaN means here that the contract is not listed.
            column[row_of[chosen]] = np.where(np.isfinite(quotes[chosen]), quotes[chosen], 0.0)
            columns[f"{side}_{name}"] = column
    return columns
