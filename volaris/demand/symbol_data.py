"""One symbol's data: how they are read from the store, and how they are fetched from the market source and stored.

The steps are those of the jobs, so the rows are the same whoever has asked for them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from volaris.demand.answers import Stored
from volaris.jobs import iv
from volaris.jobs.options import fetch_chain
from volaris.jobs.prices import fetch_quotes
from volaris.market import ChainBounds, Source
from volaris.store import ChainHeader, MetricsRow, PriceRow, Store


class SymbolData:
    """Reads and fetches one symbol's data; each fetch stores all that it has fetched, or nothing.

    `rate` is annual and continuously compounded. All methods raise StoreError, and those that fetch SourceError too.
    """

    def __init__(
        self, source: Source, store: Store, *, bounds: ChainBounds, rate: float, now: Callable[[], datetime]
    ) -> None:
        self._source = source
        self._store = store
        self._bounds = bounds
        self._rate = rate
        self._now = now

    async def read_quote(self, symbol: str) -> Stored[PriceRow] | None:
        """Return the latest price, or None. It shows the market at `quoted_at`."""
        rows = await self._store.prices.latest(symbol, 1)
        if not rows:
            return None
        return Stored(record=rows[0], source=rows[0].source, made_at=rows[0].quoted_at)

    async def read_chain(self, symbol: str) -> Stored[ChainHeader] | None:
        """Return the latest chain without its contracts, or None. It shows the market at `quoted_at`."""
        header = await self._store.options.header(symbol)
        return None if header is None else Stored(record=header, source=header.source, made_at=header.quoted_at)

    async def read_figures(self, symbol: str) -> Stored[MetricsRow] | None:
        """Return the latest volatility figures, or None.

        They show the market of their chain, at its `quoted_at`, so that figures that are computed again from an old
        chain stay old. If a newer chain has been stored since, all that is known is that they are from `computed_at`
        or earlier.
        """
        row = await self._store.metrics.latest(symbol)
        if row is None:
            return None
        header = await self._store.options.header(symbol)
        made_at = row.computed_at if header is None else min(row.computed_at, header.quoted_at)
        return Stored(record=row, source=row.source, made_at=made_at)

    async def lacks_figures(self, symbol: str) -> bool:
        """Return whether the stored chain has no figures yet: there are none, or only those of an older chain."""
        figures, chain = await self.read_figures(symbol), await self.read_chain(symbol)
        return chain is not None and (figures is None or figures.made_at < chain.made_at)

    async def fetch_quote(self, symbol: str) -> None:
        """Fetch and store the latest price, as the job prices_1m does."""
        await self._store.prices.save(await fetch_quotes(self._source, [symbol]))

    async def fetch_chain(self, symbol: str) -> None:
        """Fetch and store the option chain, as the job options_refresh does."""
        await self._store.options.replace([await fetch_chain(self._source, symbol, self._bounds)])

    async def compute_figures(self, symbol: str) -> None:
        """Compute and store the figures from the stored chain, as the job iv_metrics does; fetch bars if these lack."""
        stores = iv.Stores(chains=self._store.options, bars=self._store.bars, metrics=self._store.metrics)
        last = await stores.bars.last(symbol, self._source.name, 1)
        if iv.lacks_bars(last.day[-1].item() if len(last) else None, self._now()):
            await stores.bars.save(await iv.fetch_bars(self._source, [symbol]))
        computed = await iv.compute_figures(symbol, self._source.name, stores, self._rate, self._now())
        if computed is not None:
            row, terms = computed
            await stores.metrics.save([row], terms)
