"""A TCP proxy in front of PostgreSQL, for what a network does: refuse, cut, and say nothing."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Proxy:
    """Forwards connections on a port of its own to the socket of the server in `url`."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._socket = f"{parse_qs(self._parts.query)['host'][0]}/.s.PGSQL.5432"
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._let_through: int | None = None
        self.sent_bytes = 0  # forwarded to the server so far
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        """The database of the server, by way of the proxy; with a password, which no message may show.

        Without TLS, since for that the driver looks for certificates at each connection, which blockbuster reports.
        """
        return f"postgresql://postgres:s3cret@127.0.0.1:{self._port}{self._parts.path}?sslmode=disable"

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.cut()
        self._flowing.set()
        await asyncio.gather(*self._tasks)

    async def accept(self) -> None:
        """Let connections in (again), on the same port."""
        self._let_through = None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Cut all connections, and refuse new ones."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def cut_after(self, size_bytes: int) -> None:
        """Cut as soon as that much more has gone to the server."""
        self._let_through = size_bytes

    def fall_silent(self) -> None:
        """Take what comes and forward nothing more, in either direction."""
        self._flowing.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, server_writer}
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, server_writer, metered=True))
                pumps.create_task(self._pump(server_reader, writer, metered=False))
        finally:
            self._writers -= {writer, server_writer}
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, metered: bool) -> None:
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                await self._forward(data, writer, metered=metered)
        except ConnectionError:
            pass  # the other side is gone, or `cut` was called
        finally:
            writer.transport.abort()

    async def _forward(self, data: bytes, writer: asyncio.StreamWriter, *, metered: bool) -> None:
        if metered:
            data = data[: self._let_through]
            self.sent_bytes += len(data)
        writer.write(data)
        await writer.drain()
        if metered and self._let_through is not None:
            self._let_through -= len(data)
            if self._let_through == 0:
                self.cut()
