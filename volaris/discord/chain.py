"""The command /chain: contracts of one expiration, around the money."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

import numpy as np

from volaris.demand import Answer, ListedSymbol, SymbolDirectory
from volaris.discord.commands import Command, Definition, Option, choice_of, text_of
from volaris.discord.interactions import Interaction
from volaris.discord.messages import Embed, Message
from volaris.discord.provenance import footer_of, with_fetch_error
from volaris.discord.symbols import SYMBOL, symbol_completer, symbol_meant, ticker_of
from volaris.discord.texts import code, count, dollars, quote, strike, table
from volaris.errors import CommandRefused
from volaris.store import ChainHeader, ChainRows

STRIKES = 11
OTHERS = 8

SIDES = {"call": "Calls", "put": "Puts"}
BOTH = ""
EXPIRATION = Option(
    name="expiration", description="A day such as 2026-01-16; by default the nearest expiration", completes=True
)
TYPE = Option(name="type", description="Only calls, or only puts; by default both", choices=SIDES)
CHAIN = Definition(name="chain", description="Options of a share, around the money", options=(SYMBOL, EXPIRATION, TYPE))


class ChainDemand(Protocol):
    """Answers questions for a chain: volaris.demand.Demand."""

    async def chain(self, symbol: str) -> Answer[ChainHeader]:
        """Return the latest chain without its contracts, fetched now if the stored one is too old."""
        ...


class ChainReader(Protocol):
    """Reads stored chains: volaris.store.OptionsRepository."""

    async def chain(self, symbol: str) -> ChainRows | None:
        """Return the latest chain with its contracts, or None. Raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A call or a put."""

    bid: float  # 0 if there is none
    ask: float  # 0 if there is none
    volume: int
    open_interest: int


def today_in_utc() -> date:
    """Return the current day of the machine, in UTC."""
    return datetime.now(UTC).date()


def chain_command(
    demand: ChainDemand, reader: ChainReader, directory: SymbolDirectory, today: Callable[[], date] = today_in_utc
) -> Command:
    """Return the command. Its expirations are completed from the stored chain, because there is no time for a fetch."""

    async def run(interaction: Interaction) -> Message:
        options = interaction.options
        meant = symbol_meant(text_of(options, SYMBOL.name), await directory.symbols())
        side = choice_of(options, TYPE.name, SIDES, BOTH)
        answer = await demand.chain(meant.symbol)
        chain = await reader.chain(meant.symbol)
        if chain is None or not len(chain):
            raise CommandRefused(f"There is no option chain of {meant.symbol}.")
        days = expirations(chain)
        day = expiration_meant(text_of(options, EXPIRATION.name), days, today())
        return Message(embed=chain_embed(meant, chain, answer, day=day, side=side))

    async def complete(interaction: Interaction) -> Mapping[str, str]:
        chain = await reader.chain(ticker_of(text_of(interaction.options, SYMBOL.name)))
        typed = text_of(interaction.options, EXPIRATION.name)
        days = [day.isoformat() for day in expirations(chain)] if chain else []
        return {day: day for day in days if day.startswith(typed)}

    completers = {**symbol_completer(directory), EXPIRATION.name: complete}
    return Command(definition=CHAIN, run=run, completers=completers)


def expirations(chain: ChainRows) -> list[date]:
    """Return the days on which contracts of the chain expire, in order."""
    # The rows ascend by expiration. `np.unique` would import numpy.ma for good, which takes 1 MB.
    is_first = np.append(True, chain.expiration[1:] != chain.expiration[:-1])
    days: list[date] = chain.expiration[is_first].tolist()
    return days


def expiration_meant(typed: str, days: Sequence[date], today: date) -> date:
    """Return the expiration that a user has typed, or the nearest that has not passed.

    Raises CommandRefused, with the expirations that there are, if the chain has no such expiration.
    """
    if not typed:
        return next((day for day in days if day >= today), days[-1])
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise CommandRefused(f"{code(typed)} is no day; write it as {days[0]}.") from None
    if day not in days:
        raise CommandRefused(f"No contracts expire on {day}. Choose one of {_listed(days)}.")
    return day


def chain_embed(
    meant: ListedSymbol, chain: ChainRows, answer: Answer[ChainHeader], *, day: date, side: str = BOTH
) -> Embed:
    """Return the contracts of one expiration around the money; `side` is call, put, or empty for both."""
    by_strike = sides_by_strike(chain, day)
    near = sorted(sorted(by_strike, key=lambda price: abs(price - chain.spot))[:STRIKES])
    at_the_money = min(near, key=lambda price: abs(price - chain.spot))
    marked = [(f"{'>' if price == at_the_money else ' '}{strike(price)}", by_strike[price]) for price in near]
    lines = _both_sides(marked) if side == BOTH else _one_side(marked, is_call=side == "call")
    others = [other for other in expirations(chain) if other != day]
    text = f"{SIDES.get(side, 'Calls and puts')} of **{day}**, spot **{dollars(chain.spot)}**"
    return Embed(
        title=f"{meant.symbol} · options",
        text=with_fetch_error(text, answer.fetch_error),
        lines=lines,
        fields=(("Other expirations", _listed(others)),) if others else (),
        footer=footer_of(chain.source, answer.age_s, fetched=answer.fetched),
        at=chain.quoted_at,
    )


def sides_by_strike(chain: ChainRows, day: date) -> dict[float, dict[bool, Side]]:
    """Return the contracts of one expiration by strike, and by whether they are calls."""
    found: dict[float, dict[bool, Side]] = {}
    for row in np.flatnonzero(chain.expiration == np.datetime64(day)).tolist():
        found.setdefault(float(chain.strike[row]), {})[bool(chain.is_call[row])] = Side(
            bid=float(chain.bid[row]),
            ask=float(chain.ask[row]),
            volume=int(chain.volume[row]),
            open_interest=int(chain.open_interest[row]),
        )
    return found


_NO_SIDE = Side(bid=0.0, ask=0.0, volume=0, open_interest=0)


def _both_sides(marked: Sequence[tuple[str, dict[bool, Side]]]) -> list[str]:
    rows = []
    for label, sides in marked:
        call, put = sides.get(True, _NO_SIDE), sides.get(False, _NO_SIDE)
        rows.append((label, quote(call.bid), quote(call.ask), quote(put.bid), quote(put.ask)))
    return table((" strike", "C bid", "ask", "P bid", "ask"), rows)


def _one_side(marked: Sequence[tuple[str, dict[bool, Side]]], *, is_call: bool) -> list[str]:
    rows = []
    for label, sides in marked:
        of = sides.get(is_call, _NO_SIDE)
        rows.append((label, quote(of.bid), quote(of.ask), count(of.volume), count(of.open_interest)))
    return table((" strike", "bid", "ask", "volume", "open"), rows)


def _listed(days: Sequence[date]) -> str:
    more = f" and {len(days) - OTHERS} more" if len(days) > OTHERS else ""
    return ", ".join(day.isoformat() for day in days[:OTHERS]) + more
