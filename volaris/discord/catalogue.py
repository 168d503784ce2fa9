"""All commands, by what they need, and their definitions for Discord."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from volaris.demand import SymbolDirectory
from volaris.discord.chain import CHAIN, ChainDemand, ChainReader, chain_command
from volaris.discord.commands import Command
from volaris.discord.iv import IV, FiguresDemand, TermReader, iv_command
from volaris.discord.price import PRICE, QuoteDemand, price_command
from volaris.discord.screener import SCREENER, IndexDemand, RankingReader, screener_command
from volaris.discord.status import STATUS, StatusReaders, status_command

DEFINITIONS = (CHAIN, IV, PRICE, SCREENER, STATUS)


class AnyDemand(QuoteDemand, ChainDemand, FiguresDemand, IndexDemand, Protocol):
    """Answers questions for all kinds of data: volaris.demand.Demand."""


class MetricsReader(TermReader, RankingReader, Protocol):
    """Reads volatility figures: volaris.store.MetricsRepository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the commands read."""

    directory: SymbolDirectory
    demand: AnyDemand
    chains: ChainReader
    metrics: MetricsReader
    status: StatusReaders


def all_commands(sources: Sources, admins: Collection[str]) -> tuple[Command, ...]:
    """Return all commands, in the order of their definitions."""
    return (
        chain_command(sources.demand, sources.chains, sources.directory),
        iv_command(sources.demand, sources.metrics, sources.directory),
        price_command(sources.demand, sources.directory),
        screener_command(sources.demand, sources.metrics),
        status_command(sources.status, admins),
    )
