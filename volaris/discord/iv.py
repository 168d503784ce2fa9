"""The command /iv: a symbol's volatility figures, with rank, percentile and term structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from volaris.demand import Answer, ListedSymbol, SymbolDirectory
from volaris.discord.commands import Command, Definition, text_of
from volaris.discord.interactions import Interaction
from volaris.discord.messages import Embed, Message
from volaris.discord.provenance import footer_of, with_fetch_error
from volaris.discord.symbols import SYMBOL, symbol_completer, symbol_meant
from volaris.discord.texts import percent, score, table
from volaris.errors import CommandRefused
from volaris.store import MetricsRow, TermRow

DAYS_A_YEAR = 365
RANKED_DAYS = 252  # of trading, before the first rank; a year

IV = Definition(name="iv", description="Implied volatility of a share, with rank and term structure", options=(SYMBOL,))


class FiguresDemand(Protocol):
    """Answers questions for volatility figures: volaris.demand.Demand."""

    async def figures(self, symbol: str) -> Answer[MetricsRow]:
        """Return the latest figures, computed now if the stored ones are too old."""
        ...


class TermReader(Protocol):
    """Reads stored term structures: volaris.store.MetricsRepository."""

    async def terms(self, symbol: str) -> Sequence[TermRow]:
        """Return the term structure of the latest figures. Raises StoreUnavailable."""
        ...


def iv_command(demand: FiguresDemand, reader: TermReader, directory: SymbolDirectory) -> Command:
    """Return the command."""

    async def run(interaction: Interaction) -> Message:
        meant = symbol_meant(text_of(interaction.options, SYMBOL.name), await directory.symbols())
        answer = await demand.figures(meant.symbol)
        return Message(embed=iv_embed(meant, answer, await reader.terms(meant.symbol)))

    return Command(definition=IV, run=run, completers=symbol_completer(directory))


def iv_embed(meant: ListedSymbol, answer: Answer[MetricsRow], terms: Sequence[TermRow]) -> Embed:
    """Return the figures as an embed. Raises CommandRefused if there are none."""
    row = answer.record
    if row is None:
        raise CommandRefused(
            f"There are no volatility figures of {meant.symbol}: its option chain has no usable quotes."
        )
    return Embed(
        title=f"{meant.symbol} · implied volatility",
        text=with_fetch_error(f"**{percent(row.iv30)}** over the next 30 days", answer.fetch_error),
        lines=term_lines(terms),
        fields=(
            ("IV rank", _of_days(row.iv_rank, row.iv_days)),
            ("IV percentile", _of_days(row.iv_percentile, row.iv_days)),
            ("At the money", percent(row.atm_iv)),
            ("Skew, 25 delta", percent(row.skew_25d)),
            ("Realised, 20 days", percent(row.close_to_close_20)),
        ),
        footer=footer_of(row.source, answer.age_s, fetched=answer.fetched),
        at=row.computed_at,
    )


def term_lines(terms: Sequence[TermRow]) -> list[str]:
    """Return the term structure as a table, or no line if there is none."""
    rows = [
        (term.expiration.isoformat(), f"{term.years * DAYS_A_YEAR:.0f}", percent(term.atm_iv), percent(term.skew_25d))
        for term in terms
    ]
    return table(("expires", "days", "ATM IV", "skew"), rows) if rows else []


def _of_days(value: float | None, days: int) -> str:
    if value is None and days < RANKED_DAYS:
        return f"needs {RANKED_DAYS} days; there are {days}"
    return f"{score(value)} of 100, over {days} days"
