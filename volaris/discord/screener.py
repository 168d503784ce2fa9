"""The command /screener: the members of the index with the highest volatility figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from volaris.discord.commands import Command, Definition, Option, OptionType, choice_of, number_of
from volaris.discord.interactions import Interaction
from volaris.discord.messages import Embed, Message
from volaris.discord.provenance import footer_of
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

SORT = Option(name="sort", description="The figure to sort by; by default the IV rank", choices=SORTS)
LIMIT = Option(name="limit", description=f"How many shares; by default {ROWS}", type=OptionType.INTEGER, bounds=BOUNDS)
SCREENER = Definition(name="screener", description="Shares with the highest implied volatility", options=(SORT, LIMIT))


class RankingReader(Protocol):
    """Reads rankings: volaris.store.MetricsRepository."""

    async def ranking(self, by: RankedBy, limit: int) -> Sequence[MetricsRow]:
        """Return the latest figures of the members with the highest figure of that kind. Raises StoreUnavailable."""
        ...


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


def screener_command(reader: RankingReader, now: Callable[[], datetime] = now_in_utc) -> Command:
    """Return the command. It fetches nothing, because a ranking needs the chains of the whole index."""

    async def run(interaction: Interaction) -> Message:
        by = RankedBy(choice_of(interaction.options, SORT.name, SORTS, RankedBy.IV_RANK.value))
        limit = number_of(interaction.options, LIMIT.name, ROWS, BOUNDS)
        return Message(embed=screener_embed(by, await reader.ranking(by, limit), now()))

    return Command(definition=SCREENER, run=run)


def screener_embed(by: RankedBy, rows: Sequence[MetricsRow], now: datetime) -> Embed:
    """Return the ranking as an embed. Raises CommandRefused if nobody has a figure."""
    if not rows:
        hint = f" Ranks need a year of days; sort by {SORTS[RankedBy.IV30.value]} until then." if by in OF_100 else ""
        raise CommandRefused(
            f"No share has a figure for {SORTS[by.value]} yet. The job `iv_metrics` computes the figures of the whole "
            f"index; `/iv` computes those of one share now.{hint}"
        )
    # The second column helps to read the first: a rank is of a share's own past.
    beside = RankedBy.IV_RANK if by is RankedBy.IV30 else RankedBy.IV30
    lines = table(
        ("#", "symbol", by.value, beside.value),
        [(f"{rank}", row.symbol, _figure(row, by), _figure(row, beside)) for rank, row in enumerate(rows, 1)],
    )
    oldest = min(rows, key=lambda row: row.computed_at)
    return Embed(
        title=f"Highest {SORTS[by.value]}",
        lines=lines,
        footer=footer_of(oldest.source, (now - oldest.computed_at).total_seconds(), fetched=False),
        at=oldest.computed_at,
    )


def _figure(row: MetricsRow, by: RankedBy) -> str:
    value: float | None = getattr(row, by.value)
    return score(value) if by in OF_100 else percent(value)
