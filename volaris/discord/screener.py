"""The command /screener: the members of the index with the highest volatility figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from volaris.demand import Answer
from volaris.discord.commands import Command, Definition, Option, OptionType, choice_of, number_of
from volaris.discord.interactions import Interaction
from volaris.discord.messages import Embed, Message
from volaris.discord.provenance import footer_of, with_fetch_error
from volaris.discord.texts import percent, score, table
from volaris.errors import CommandRefused
from volaris.store import MetricsRow, RankedBy

ROWS, BOUNDS = 10, (1, 25)
SORTS = {
    RankedBy.IV_RANK.value: "IV rank",
    RankedBy.IV_PERCENTILE.value: "IV percentile",
    RankedBy.IV30.value: "IV 30 days",
    RankedBy.ATM_IV.value: "IV at the money",
    RankedBy.SKEW_25D.value: "Skew, 25 delta",
}
OF_100 = {RankedBy.IV_RANK, RankedBy.IV_PERCENTILE}

SORT = Option(
    name="sort",
    description="The figure to sort by; by default the IV rank, or IV 30 days in the first year",
    choices=SORTS,
)
LIMIT = Option(name="limit", description=f"How many shares; by default {ROWS}", type=OptionType.INTEGER, bounds=BOUNDS)
SCREENER = Definition(name="screener", description="Shares with the highest implied volatility", options=(SORT, LIMIT))


class RankingReader(Protocol):
    """Reads rankings: volaris.store.MetricsRepository."""

    async def ranking(self, by: RankedBy, limit: int) -> Sequence[MetricsRow]:
        """Return the latest figures of the members with the highest figure of that kind. Raises StoreUnavailable."""
        ...


class IndexDemand(Protocol):
    """Answers questions for the figures of the whole index: volaris.demand.Demand."""

    async def index(self) -> Answer[MetricsRow]:
        """Return the oldest figures of a member, after those that are too old were fetched."""
        ...


def screener_command(demand: IndexDemand, reader: RankingReader) -> Command:
    """Return the command."""

    async def run(interaction: Interaction) -> Message:
        by = RankedBy(choice_of(interaction.options, SORT.name, SORTS, RankedBy.IV_RANK.value))
        limit = number_of(interaction.options, LIMIT.name, ROWS, BOUNDS)
        answer = await demand.index()
        rows = await reader.ranking(by, limit)
        if not rows and SORT.name not in interaction.options:  # in the first year there are no ranks
            by = RankedBy.IV30
            rows = await reader.ranking(by, limit)
        return Message(embed=screener_embed(by, rows, answer))

    return Command(definition=SCREENER, run=run)


def screener_embed(by: RankedBy, rows: Sequence[MetricsRow], answer: Answer[MetricsRow]) -> Embed:
    """Return the ranking as an embed. Raises CommandRefused if nobody has a figure."""
    if not rows or answer.record is None:
        hint = f" Ranks need a year of days; sort by {SORTS[RankedBy.IV30.value]} until then." if by in OF_100 else ""
        raise CommandRefused(f"No share has a figure for {SORTS[by.value]} yet.{hint}")
    # The second column helps to read the first: a rank is of a share's own past.
    beside = RankedBy.IV_RANK if by is RankedBy.IV30 else RankedBy.IV30
    lines = table(
        ("#", "symbol", by.value, beside.value),
        [(f"{rank}", row.symbol, _figure(row, by), _figure(row, beside)) for rank, row in enumerate(rows, 1)],
    )
    return Embed(
        title=f"Highest {SORTS[by.value]}",
        text=with_fetch_error("", answer.fetch_error),
        lines=lines,
        footer=footer_of(rows[0].source, answer.age_s, fetched=answer.fetched),
        at=answer.record.computed_at,
    )


def _figure(row: MetricsRow, by: RankedBy) -> str:
    value: float | None = getattr(row, by.value)
    return score(value) if by in OF_100 else percent(value)
