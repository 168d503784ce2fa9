"""The HTTP client of the command line, for the debug routes and the data API of a running service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp import hdrs
from yarl import URL

from volaris.errors import VolarisError
from volaris.settings import Settings

TIMEOUT_S = 30.0
PIECE_TIMEOUT_S = 60.0  # for one chunk of an export, which may take minutes in all
# A server may listen on these addresses, but a client cannot connect to them.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104

DATA = "/api/v1"
DEBUG = "/api/v1/debug"


class ServiceError(VolarisError):
    """Raised if the service cannot be reached, or answers with a problem, whose text is in the message."""


async def get(settings: Settings, path: str, query: Mapping[str, str], *, below: str = DEBUG) -> bytes:
    """Return the body of GET `path` below `below`, by default the service's debug routes. Raises ServiceError."""
    url = _url(settings, below + path)
    try:
        async with _session(settings, TIMEOUT_S) as session, session.get(url, params=query) as response:
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _no_answer(url, error) from error
    if response.status != 200:
        raise ServiceError(_problem_text(response.status, body))
    return body


async def get_json(settings: Settings, path: str, query: Mapping[str, str], *, below: str = DEBUG) -> dict[str, Any]:
    """Return the parsed JSON of the body that `get` returns. Raises ServiceError."""
    document: dict[str, Any] = orjson.loads(await get(settings, path, query, below=below))
    return document


async def figures(settings: Settings, symbol: str, days: int, fresh: str) -> dict[str, Any]:
    """Return the volatility figures of a symbol, with those of its last days; `fresh` is as in the data API.

    Raises ServiceError.
    """
    query = {"limit": str(days), "fresh": fresh}
    return await get_json(settings, f"/iv/{quote(symbol, safe='')}", query, below=DATA)


async def symbols(settings: Settings) -> list[str]:
    """Return all symbols of the service. Raises ServiceError."""
    found: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = await get_json(settings, "/symbols", query, below=DATA)
        found += [entry["symbol"] for entry in page["symbols"]]
        if page["next_cursor"] is None:
            return found
        query = {"cursor": page["next_cursor"]}


async def export(settings: Settings, data: str, of: list[str], form: str, fresh: str) -> AsyncIterator[bytes]:
    """Yield all rows of `data` (prices, options, iv) of these symbols as the service streams them.

    `fresh` is as in the data API. CSV has only one header. Raises ServiceError, also if a stream is cut short.
    """
    async with _session(settings, None) as session:
        query = {"format": form, "fresh": fresh}
        for number, symbol in enumerate(of):
            pieces = _pieces(session, _url(settings, f"{DATA}/{data}/{quote(symbol, safe='')}"), query)
            async for piece in _without_header(pieces) if form == "csv" and number else pieces:
                yield piece


async def _pieces(session: aiohttp.ClientSession, url: URL, query: Mapping[str, str]) -> AsyncIterator[bytes]:
    try:
        async with session.get(url, params=query) as response:
            if response.status != 200:
                raise ServiceError(_problem_text(response.status, await response.read()))
            async for piece in response.content.iter_any():
                yield piece
    except aiohttp.ClientPayloadError as error:
        raise ServiceError(f"the answer of {url} was cut short; see the log of the service for the reason") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _no_answer(url, error) from error


async def _without_header(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield everything after the first line break, however the text is divided into pieces."""
    is_header = True
    async for piece in pieces:
        if is_header:
            _, line_break, piece = piece.partition(b"\n")
            is_header = not line_break
        if piece:
            yield piece


def address(settings: Settings) -> str:
    """Return the address of the running service."""
    return f"http://{EVERYWHERE.get(settings.host, settings.host)}:{settings.port}"


def _url(settings: Settings, path: str) -> URL:
    return URL(address(settings) + path, encoded=True)


def _session(settings: Settings, total_s: float | None) -> aiohttp.ClientSession:
    headers = {hdrs.AUTHORIZATION: f"Bearer {settings.debug_token}"} if settings.debug_token else {}
    timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=TIMEOUT_S, sock_read=PIECE_TIMEOUT_S)
    return aiohttp.ClientSession(timeout=timeout, headers=headers)


def _no_answer(url: URL, error: Exception) -> ServiceError:
    return ServiceError(
        f"there is no service at {url} ({type(error).__name__}); start one with `volaris serve`, "
        "or set HOST and PORT to where it runs"
    )


def _problem_text(status: int, body: bytes) -> str:
    try:
        return str(orjson.loads(body)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"the service answered with status {status}"
