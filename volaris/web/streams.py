"""Streamed answers of any length: rows from a database cursor to the client, as CSV or as lines of JSON.

However slow the client is, only a batch of rows, its text, and what the connection buffers (64 KiB) are in memory. Each
stream holds a connection to the database. So only a few streams may run at once, and each has a time limit.
"""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Generic, TypeVar

import orjson
from aiohttp import hdrs, web

from profiling.web.problems import Problem
from volaris.errors import StoreError
from volaris.web.etag import tag_headers

Row = TypeVar("Row")
Item = TypeVar("Item")

RETRY_AFTER_S = 5
ROWS_AT_ONCE = 500
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}

_NDJSON = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
_RESET = struct.pack("ii", 1, 0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """How rows become lines: the names of the columns, and the values of a row in the same order."""

    columns: tuple[str, ...]
    values: Callable[[Row], tuple[object, ...]]

    def document(self, row: Row) -> dict[str, object]:
        """Return the row as a JSON object."""
        return dict(zip(self.columns, self.values(row), strict=True))


class Streams:
    """Sends streams, at most `at_once` at a time, each for at most `time_limit_s`."""

    def __init__(self, *, at_once: int = 2, time_limit_s: float = 300.0) -> None:
        self._at_once = at_once
        self._time_limit_s = time_limit_s
        self.running = 0

    async def send(
        self, request: web.Request, form: str, table: Table[Row], batches: AsyncIterator[Sequence[Row]], tag: str
    ) -> web.StreamResponse:
        """Answer `request` with all rows.

        The first rows are read before the answer begins, so that an error until then is a normal error answer. A later
        error cuts the connection, so that an incomplete file does not look complete.
        """
        headers = {hdrs.CONTENT_TYPE: CONTENT_TYPES[form], **tag_headers(tag)}
        response = web.StreamResponse(headers=headers)
        with self._place():
            try:
                async with asyncio.timeout(self._time_limit_s), aclosing(_encoded(form, table, batches)) as chunks:
                    first = await first_of(chunks, b"")
                    await _send(request, response, first, chunks)
            except TimeoutError as error:
                if not response.prepared:
                    raise _too_slow(self._time_limit_s) from error
                _log_cut(request, f"took longer than {self._time_limit_s:g} s")
            except StoreError as error:
                if not response.prepared:
                    raise
                _log_cut(request, str(error))
            except ConnectionError:
                _log_cut(request, "the client went away", logging.DEBUG)
        return response

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self.running >= self._at_once:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self.running} exports are running, and no more may run at once; try again when one has ended",
                headers={hdrs.RETRY_AFTER: str(RETRY_AFTER_S)},
            )
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1


STREAMS: web.AppKey[Streams] = web.AppKey("streams")


async def batched(rows: AsyncIterator[Row]) -> AsyncGenerator[Sequence[Row], None]:
    """Yield the rows, several at a time."""
    try:
        batch: list[Row] = []
        async for row in rows:
            batch.append(row)
            if len(batch) == ROWS_AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch
    finally:
        if isinstance(rows, AsyncGenerator):
            await rows.aclose()


async def first_of(rows: AsyncIterator[Item], otherwise: Item) -> Item:
    """Return the first row; `rows` can be read on. `anext` with a default breaks in generators on Python 3.11."""
    async for row in rows:
        return row
    return otherwise


async def _send(request: web.Request, response: web.StreamResponse, first: bytes, chunks: AsyncIterator[bytes]) -> None:
    try:
        await response.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    except BaseException:
        _cut(request)
        raise


def _cut(request: web.Request) -> None:
    """Reset the connection, because in HTTP/1.0 an orderly close would mark the end of the file."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _log_cut(request: web.Request, reason: str, level: int = logging.WARNING) -> None:
    # The raw path is percent-encoded, so that it cannot break the log's line.
    logger.log(level, "the answer to GET %s was cut short: %s", request.rel_url.raw_path, reason)


def _too_slow(limit_s: float) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"the database returned no row within {limit_s:g} s; try again")


async def _encoded(form: str, table: Table[Row], batches: AsyncIterator[Sequence[Row]]) -> AsyncGenerator[bytes, None]:
    head = _csv([table.columns]) if form == "csv" else b""
    try:
        async for batch in batches:
            yield head + _lines(form, table, batch)
            head = b""
        if head:
            yield head
    finally:
        if isinstance(batches, AsyncGenerator):
            await batches.aclose()


def _lines(form: str, table: Table[Row], rows: Sequence[Row]) -> bytes:
    if form == "csv":
        return _csv([[_cell(value) for value in table.values(row)] for row in rows])
    columns, values = table.columns, table.values
    return b"".join([orjson.dumps(dict(zip(columns, values(row), strict=True)), option=_NDJSON) for row in rows])


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Return a value for CSV: times as in JSON, and an empty text for no value."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
