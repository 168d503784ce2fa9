"""The figures of all members of the index: how they are read, and how those that are missing or old are fetched.

The steps are those of the jobs, batch by batch, so what a fetch has stored before its time limit stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from volaris.demand.answers import Stored
from volaris.errors import SourceError
from volaris.jobs import iv
from volaris.jobs.options import fetch_chains
from volaris.jobs.prices import batches
from volaris.jobs.sp500 import sync_constituents
from volaris.market import ChainBounds, Source
from volaris.store import MetricsRow, Store

NO_SOURCE = ""  # in place of a source's name; data of another source are stale

IsStale = Callable[[Stored[MetricsRow] | None], Awaitable[bool]]
"""Return whether a member's figures should be fetched; None if the member has none."""


class IndexData:
    """Reads and fetches the figures of all members. All methods raise StoreError, and `fetch` SourceError too."""

    def __init__(
        self, source: Source, store: Store, *, bounds: ChainBounds, rate: float, now: Callable[[], datetime]
    ) -> None:
        self._source = source
        self._store = store
        self._stores = iv.Stores(chains=store.options, bars=store.bars, metrics=store.metrics)
        self._bounds = bounds
        self._rate = rate
        self._now = now

    async def read(self) -> Stored[MetricsRow] | None:
        """Return the oldest of the members' latest figures, or None if no member has any.

        If some member has none, or none of this source, the source of the figures is told as NO_SOURCE.
        """
        rows = {row.symbol: row for row in await self._store.metrics.latest_of_members()}
        if not rows:
            return None
        are_all = all(symbol in rows and rows[symbol].source == self._source.name for symbol in await self._members())
        oldest = min(rows.values(), key=lambda row: row.computed_at)
        return Stored(record=oldest, source=self._source.name if are_all else NO_SOURCE, made_at=oldest.computed_at)

    async def fetch(self, is_stale: IsStale) -> str | None:
        """Fetch the members if none are stored, and the chains and figures of those members whose figures are stale.

        Return why some were not updated, or None if all were.
        """
        if not await self._store.constituents.members():
            await sync_constituents(self._source, self._store.constituents, self._now)
        rows = {row.symbol: row for row in await self._store.metrics.latest_of_members()}
        stale = [symbol for symbol in await self._members() if await is_stale(_stored(rows.get(symbol)))]
        failures: list[SourceError] = []
        last_days = await self._stores.bars.last_days(self._source.name)
        for batch in batches(stale, iv.BATCH_SIZE):
            await self._store.options.replace(await fetch_chains(self._source, batch, self._bounds, failures))
            await iv.compute_batch(self._source, self._stores, batch, last_days, rate=self._rate, now=self._now)
        if not failures:
            return None
        return f"{len(failures)} of {len(stale)} members were not updated; the first one: {failures[0]}"

    async def _members(self) -> list[str]:
        """Return the symbols of the stored members for which the source has data."""
        known = {entry.symbol for entry in await self._source.symbols()}
        return [member.symbol for member in await self._store.constituents.members() if member.symbol in known]


def _stored(row: MetricsRow | None) -> Stored[MetricsRow] | None:
    return None if row is None else Stored(record=row, source=row.source, made_at=row.computed_at)
