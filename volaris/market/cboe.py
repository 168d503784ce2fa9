"""Cboe's delayed quotes over HTTP: rate-limited, with bounds on size and time; used only if it is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote as percent_encoded

import aiohttp
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from volaris.errors import BadDocument, SourceTimeout, SourceUnavailable, UnknownSymbol
from volaris.market.cboe_document import NAME, parse_bars, parse_chain, parse_quote
from volaris.market.constituents import constituents, symbols
from volaris.market.records import Chain, ChainBounds, Constituent, DailyBars, Quote, Symbol

DEFAULT_URL = "https://cdn.cboe.com/api/global/delayed_quotes/options"
MAX_DOCUMENT_BYTES = 64 << 20
AT_ONCE = 4  # documents that are fetched at the same time; that of a large chain is 4 MB
REQUESTS_A_SECOND = 10.0
ATTEMPTS = 3
CHUNK_BYTES = 1 << 16

T = TypeVar("T")


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


class CboeSource:
    """The members of the S&P 500 with Cboe's quotes, which are 15 minutes old."""

    name = NAME
    delay_s = 900.0

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        timeout_s: float = 20.0,
        max_document_bytes: int = MAX_DOCUMENT_BYTES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = now_in_utc,
    ) -> None:
        self._now = now
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._max_document_bytes = max_document_bytes
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None
        self._symbols = symbols()
        self._rate = AsyncLimiter(REQUESTS_A_SECOND, 1.0)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._parsing = asyncio.Lock()

    async def symbols(self) -> tuple[Symbol, ...]:
        """Return the members of the index."""
        return self._symbols

    async def constituents(self) -> tuple[Constituent, ...]:
        """Return the members of the index, which come from the package and not from the feed."""
        return constituents()

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        """Return the quotes of these symbols, four documents at a time; the first failure cancels the others.

        Raises UnknownSymbol, BadDocument, and after three attempts SourceUnavailable or SourceTimeout.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._quote(symbol), name=f"cboe:{symbol}") for symbol in symbols]
        except ExceptionGroup as failed:
            first = failed.exceptions[0]
            # Without `from None`, which would remove the driver's error that is the cause.
            raise first from first.__cause__
        return [task.result() for task in tasks]

    async def chain(self, symbol: str, bounds: ChainBounds) -> Chain:
        """Return the contracts of the symbol within the bounds. Raises the same errors as `quotes`."""
        return await self._parsed(symbol, lambda document: parse_chain(document, symbol, bounds))

    async def bars(self, symbol: str, days: int) -> DailyBars:
        """Return the bar of the last trading day if it is over; the feed has no older ones. Raises as `quotes` does."""
        return await self._parsed(symbol, lambda document: parse_bars(document, symbol, self._now()))

    async def aclose(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _quote(self, symbol: str) -> Quote:
        return await self._parsed(symbol, lambda document: parse_quote(document, symbol))

    async def _parsed(self, symbol: str, parse: Callable[[bytes], T]) -> T:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type((SourceUnavailable, SourceTimeout)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=10.0),
            sleep=self._sleep,
            reraise=True,
        )
        async with self._places:
            document: bytes = await attempts(self._document, symbol)
            # Separating 9 500 contracts holds the GIL for 4 ms, also in a thread. So only one document is parsed at a
            # time.
            async with self._parsing:
                return await asyncio.to_thread(parse, document)

    async def _document(self, symbol: str) -> bytes:
        async with self._rate:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._get(symbol)
            except TimeoutError as error:
                raise SourceTimeout(NAME, symbol, f"it did not answer within {self._timeout_s:g} s") from error
            except aiohttp.ClientError as error:
                raise SourceUnavailable(NAME, symbol, f"the connection failed with {type(error).__name__}") from error

    async def _get(self, symbol: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s), headers={"User-Agent": "volaris"}
            )
        async with self._session.get(f"{self._url}/{percent_encoded(symbol, safe='')}.json") as response:
            _check_status(response.status, symbol)
            return await self._bounded_body(response, symbol)

    async def _bounded_body(self, response: aiohttp.ClientResponse, symbol: str) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_document_bytes:
                raise BadDocument(NAME, symbol, f"over {self._max_document_bytes >> 20} MB")
        return bytes(body)


def _check_status(status: int, symbol: str) -> None:
    if status == HTTPStatus.OK:
        return
    # The feed is a file store, which answers 403 for a missing file.
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        raise UnknownSymbol(NAME, symbol, f"the feed has no such document (status {status})")
    raise SourceUnavailable(NAME, symbol, f"the feed answered with status {status}")
