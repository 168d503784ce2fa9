"""Questions for one symbol's data: answered from the store, after a fetch if the stored data are too old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from volaris.demand.answers import Answer, Fresh, Stored
from volaris.demand.flights import Flights, FlightStatistics
from volaris.demand.index_data import IndexData
from volaris.demand.symbol_data import SymbolData
from volaris.errors import DemandError, SourceError, UnknownSymbol
from volaris.market import Source
from volaris.market.hours import MarketHours
from volaris.store import ChainHeader, MetricsRow, PriceRow

ALL_MEMBERS = "all members"  # in place of a symbol
INDEX_TIMES = 2.5  # the usual time limit, for all members; a command in Discord may take 30 s

T = TypeVar("T")


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxAges:
    """The seconds of trading after which stored data are stale."""

    quote_s: float
    chain_s: float
    figures_s: float


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T]):
    """A kind of data."""

    name: str  # for messages, the names of tasks, and scopes
    max_age_s: float  # seconds of trading after which stored data are stale
    read: Callable[[str], Awaitable[Stored[T] | None]]
    fetch: Callable[[str, Fresh], Awaitable[str | None]]  # returns what failed without preventing the result, or None
    times: float = 1.0  # the usual time limit, for a fetch of more than one symbol


@dataclass(frozen=True, slots=True, eq=False)
class _Landing:
    """The end of a fetch that succeeded; compared by identity."""

    at: datetime


class Demand:
    """Answers questions for one symbol's data. Each answer is the latest record of the store.

    With `Fresh.STALE` the data are fetched first if nothing is stored, or if the market has traded for longer than
    the kind's maximum age since the stored data were made. A source with a delay is compared with the market of that
    long ago. So nothing is fetched while the market is closed and the last trades are stored, and a delayed quote does
    not count as old because of its delay. If a share is halted, or the source repeats past prices, the data stay old
    however often they are fetched; so the end of the last fetch counts like new data. Data of another source are stale.
    """

    def __init__(
        self,
        source: Source,
        data: SymbolData,
        index: IndexData,
        flights: Flights,
        *,
        hours: MarketHours,
        max_ages: MaxAges,
        now: Callable[[], datetime] = now_in_utc,
    ) -> None:
        self._source = source
        self._data = data
        self._index_data = index
        self._flights = flights
        self._hours = hours
        self._now = now
        self._landings: dict[tuple[str, str], _Landing] = {}  # at most one per kind and symbol of the source
        self._quote = _Kind("quote", max_ages.quote_s, data.read_quote, self._fetch_quote)
        self._chain = _Kind("chain", max_ages.chain_s, data.read_chain, self._fetch_chain)
        self._figures = _Kind("figures", max_ages.figures_s, data.read_figures, self._fetch_figures)
        self._index = _Kind("figures", max_ages.figures_s, lambda _: index.read(), self._fetch_index, INDEX_TIMES)

    async def index(self, fresh: Fresh = Fresh.STALE) -> Answer[MetricsRow]:
        """Bring the figures of all members of the index up to date, and return the oldest of them.

        Only the members whose figures are missing or stale are fetched, batch by batch. So if the time limit ends the
        fetch, what is stored by then stays, and the next question goes on. Raises the same errors as `quote`.
        """
        return await self._answer(self._index, ALL_MEMBERS, fresh)

    async def quote(self, symbol: str, fresh: Fresh = Fresh.STALE) -> Answer[PriceRow]:
        """Return the latest price of a symbol.

        Raises:
            UnknownSymbol: The source does not have the symbol.
            SourceError: The fetch failed, and nothing is stored.
            DemandError: The fetch was too slow, was refused or was ended, and nothing is stored.
            StoreError: The database is unavailable, or refused the data.
        """
        return await self._answer_for(self._quote, symbol, fresh)

    async def chain(self, symbol: str, fresh: Fresh = Fresh.STALE) -> Answer[ChainHeader]:
        """Return the latest option chain of a symbol, without its contracts. Raises the same errors as `quote`."""
        return await self._answer_for(self._chain, symbol, fresh)

    async def figures(self, symbol: str, fresh: Fresh = Fresh.STALE) -> Answer[MetricsRow]:
        """Return the latest volatility figures of a symbol. Raises the same errors as `quote`.

        If they have to be computed anew, the chain is asked for with the same `fresh` first. If only an old chain is
        there, the answer has the error of the chain, and the figures of the old chain, computed now if need be.
        """
        return await self._answer_for(self._figures, symbol, fresh)

    def statistics(self) -> FlightStatistics:
        """Return how many fetches there are and were."""
        return self._flights.statistics()

    async def close(self) -> None:
        """End all fetches and refuse further ones; questions are still answered from the store."""
        await self._flights.close()

    async def _answer_for(self, kind: _Kind[T], symbol: str, fresh: Fresh) -> Answer[T]:
        await self._check_known(symbol)
        return await self._answer(kind, symbol, fresh)

    async def _answer(self, kind: _Kind[T], symbol: str, fresh: Fresh) -> Answer[T]:
        landing = self._landings.get((kind.name, symbol))
        stored = await kind.read(symbol)
        if fresh is Fresh.NEVER or (fresh is Fresh.STALE and not await self._is_stale(kind, stored, landing)):
            return self._answer_of(stored)
        # No await from here to `join`, or two questions could each start a fetch.
        if self._landings.get((kind.name, symbol)) is not landing:
            # A fetch has ended since the read above began, which may not have seen its data.
            return self._answer_of(await kind.read(symbol), fetched=True)
        try:
            return await self._flights.join(
                kind.name, symbol, lambda: self._fetch(kind, symbol, fresh), times=kind.times
            )
        except (SourceError, DemandError) as error:
            # A part may have been stored before the fetch failed.
            if stored is None and (stored := await kind.read(symbol)) is None:
                raise
            return self._answer_of(stored, fetch_error=str(error))

    async def _check_known(self, symbol: str) -> None:
        if not any(entry.symbol == symbol for entry in await self._source.symbols()):
            raise UnknownSymbol(self._source.name, symbol, "there is no such symbol")

    async def _is_stale(self, kind: _Kind[T], stored: Stored[T] | None, landing: _Landing | None) -> bool:
        """Return whether data should be fetched; `landing` is the last one from before they were read."""
        if stored is None:
            return True
        delay = timedelta(seconds=self._source.delay_s)
        seen = [] if landing is None else [landing.at - delay]
        if stored.source == self._source.name:
            seen.append(stored.made_at)
        return not seen or await self._hours.have_passed(kind.max_age_s, max(seen), self._now() - delay)

    async def _fetch(self, kind: _Kind[T], symbol: str, fresh: Fresh) -> Answer[T]:
        error = await kind.fetch(symbol, fresh)
        if error is None:
            self._landings[kind.name, symbol] = _Landing(self._now())
        return self._answer_of(await kind.read(symbol), fetched=error is None, fetch_error=error)

    def _answer_of(
        self, stored: Stored[T] | None, *, fetched: bool = False, fetch_error: str | None = None
    ) -> Answer[T]:
        if stored is None:
            return Answer(record=None, fetched=fetched, age_s=None, fetch_error=fetch_error)
        age_s = max(0.0, (self._now() - stored.made_at).total_seconds())
        return Answer(record=stored.record, fetched=fetched, age_s=age_s, fetch_error=fetch_error)

    async def _fetch_quote(self, symbol: str, _fresh: Fresh) -> None:
        async with self._flights.turn("quote"):
            await self._data.fetch_quote(symbol)

    async def _fetch_chain(self, symbol: str, _fresh: Fresh) -> None:
        async with self._flights.turn("chain"):
            await self._data.fetch_chain(symbol)

    async def _fetch_figures(self, symbol: str, fresh: Fresh) -> str | None:
        # Outside of the turn: fetches that wait for others while they have a turn could wait for each other.
        chain = await self.chain(symbol, fresh)
        if chain.fetch_error is None or await self._data.lacks_figures(symbol):
            async with self._flights.turn("figures"):
                await self._data.compute_figures(symbol)
        return chain.fetch_error

    async def _fetch_index(self, _symbol: str, fresh: Fresh) -> str | None:
        async def is_stale(stored: Stored[MetricsRow] | None) -> bool:
            return fresh is Fresh.ALWAYS or await self._is_stale(self._figures, stored, None)

        async with self._flights.turn("index"):
            return await self._index_data.fetch(is_stale)
