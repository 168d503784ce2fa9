"""The command /price: the latest quote of a symbol."""

from __future__ import annotations

from typing import Protocol

from volaris.demand import Answer, ListedSymbol, SymbolDirectory
from volaris.discord.commands import Command, Definition, text_of
from volaris.discord.interactions import Interaction
from volaris.discord.messages import Embed, Message
from volaris.discord.provenance import footer_of, with_fetch_error
from volaris.discord.symbols import SYMBOL, symbol_completer, symbol_meant
from volaris.discord.texts import count, dollars
from volaris.errors import CommandRefused
from volaris.store import PriceRow

PRICE = Definition(name="price", description="Latest price of a share", options=(SYMBOL,))


class QuoteDemand(Protocol):
    """Answers questions for a quote: volaris.demand.Demand."""

    async def quote(self, symbol: str) -> Answer[PriceRow]:
        """Return the latest quote, fetched now if the stored one is too old."""
        ...


def price_command(demand: QuoteDemand, directory: SymbolDirectory) -> Command:
    """Return the command."""

    async def run(interaction: Interaction) -> Message:
        meant = symbol_meant(text_of(interaction.options, SYMBOL.name), await directory.symbols())
        return Message(embed=price_embed(meant, await demand.quote(meant.symbol)))

    return Command(definition=PRICE, run=run, completers=symbol_completer(directory))


def price_embed(meant: ListedSymbol, answer: Answer[PriceRow]) -> Embed:
    """Return the quote as an embed. Raises CommandRefused if there is none."""
    row = answer.record
    if row is None:
        raise CommandRefused(f"There is no price of {meant.symbol}.")
    return Embed(
        title=f"{meant.symbol} · {meant.name}",
        text=with_fetch_error(f"**{dollars(row.price)}**", answer.fetch_error),
        fields=(("Bid", dollars(row.bid)), ("Ask", dollars(row.ask)), ("Volume", count(row.volume))),
        footer=footer_of(row.source, answer.age_s, fetched=answer.fetched),
        at=row.quoted_at,
    )
