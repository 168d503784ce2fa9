"""Requests to Discord's HTTP API, by aiohttp's client: bounded in time and attempts, and patient when told to wait."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import aiohttp
import orjson
from aiohttp import hdrs
from yarl import URL

ATTEMPTS = 5
FIRST_PAUSE_S = 0.5  # twice as long after each attempt
REQUEST_TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 4 << 20

_USER_AGENT = f"DiscordBot (volaris, {version('volaris')})"  # reads from disk, so it runs at import


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """The answer to one request, or the reason why there is none."""

    status: int  # 0 if there is none
    body: bytes = b""
    error: str = ""  # the kind of error, if there is no answer; without the address, which may hold a secret
    retry_after_s: float = 0.0  # how long Discord says to wait

    @property
    def is_success(self) -> bool:
        """Return whether Discord did what was asked for."""
        return 200 <= self.status < 300

    @property
    def outcome(self) -> str:
        """Return what happened in a word or two, for a message."""
        return f"status {self.status}" if self.status else self.error

    def may_succeed_later(self, also: frozenset[int]) -> bool:
        """Return whether another attempt may succeed: without an answer, if told to wait, at 5xx, and at `also`."""
        return self.status in {0, HTTPStatus.TOO_MANY_REQUESTS, *also} or self.status >= 500


class DiscordApi:
    """A client of Discord's API. `token` is the bot's; requests about an interaction need none."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {hdrs.USER_AGENT: _USER_AGENT} | ({hdrs.AUTHORIZATION: f"Bot {token}"} if token else {})
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, path: str, document: object = None, *, retry_at: frozenset[int] = frozenset()
    ) -> ApiAnswer:
        """Send a request until it succeeds or cannot, or until the attempts are over, and return the last answer.

        The statuses of `retry_at` are tried again, as 429, 5xx and no answer are. Nothing limits the time in all: a
        pause is as long as Discord asks for, so a caller sets a limit of its own.
        """
        pause_s = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            answer = await self._send_once(method, path, document)
            if attempt == ATTEMPTS or not answer.may_succeed_later(retry_at):
                break
            await self._sleep(max(pause_s, answer.retry_after_s))
            pause_s *= 2
        return answer

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send_once(self, method: str, path: str, document: object) -> ApiAnswer:
        # Made here, because a session needs a running loop.
        self._session = self._session or aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        )
        options: dict[str, Any] = {"allow_redirects": False}
        if document is not None:
            options |= {"data": orjson.dumps(document), "headers": {hdrs.CONTENT_TYPE: "application/json"}}
        try:
            async with self._session.request(method, URL(self._url + path, encoded=True), **options) as response:
                return ApiAnswer(
                    status=response.status,
                    body=await _read(response),
                    retry_after_s=_seconds(response.headers.get(hdrs.RETRY_AFTER, "")),
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return ApiAnswer(status=0, error=type(error).__name__)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            return b""
    return bytes(body)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0
