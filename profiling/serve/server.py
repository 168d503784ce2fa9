"""The debug server: asyncio's streams on a loop in a thread of the profiler's own."""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import weakref
from http import HTTPStatus
from typing import Self

from profiling.profiler import Profiler
from profiling.serve.address import Address, TcpAddress, UnixAddress, address_of, is_loopback
from profiling.serve.http import MAX_HEAD_BYTES, Head, encode, read_request
from profiling.web.access import Access
from profiling.web.background import BackgroundLoop
from profiling.web.dispatcher import PREFIXES, dispatcher_of, split_path
from profiling.web.jobs import JobControl
from profiling.web.messages import Problem, Request, Response, query_of

MAX_CONNECTIONS = 32
REQUEST_S = 10.0
CLOSED = (
    "this debug server is closed, since it can be reached from other machines; open it with token=..., "
    "or with open_to_all=True to whoever can reach it"
)
NOT_A_PAGE = "only a request to localhost or a loopback address is answered here; no page of another site may ask"


class DebugServer:
    """A server of the debug routes, from when it is made until `close`.

    Looking is open without a token only at a loopback address and at a Unix socket: at the first to every user of the
    machine, at the second to the owner of the process, whose file it is. A page in a browser can reach a loopback
    address as well; so a request is answered there only if its `Host` header is a loopback address or `localhost`,
    which that of another site's page is not. At any other address the routes are closed until they are given a token or
    `open_to_all=True`. What changes something wants the `Authorization` header everywhere.

    In a fork the server does not listen; the parent's goes on.

    Args:
        profiler: What the routes tell of.
        address: `127.0.0.1:6061`, `[::1]:6061` or `unix:/run/profiler.sock`; port 0 is one that is free.
        token: Opens the routes to requests with `Authorization: Bearer <token>`, and to no others.
        open_to_all: Whether everybody may look without the token. None: as said above.
        access: The rule in the service's own words, in place of `token` and `open_to_all`.
        environment: What health tells under that key.
        jobs: The scheduler's jobs, to be listed and steered.
        request_s: How long a request may take to come, and its response to go.

    Raises:
        OSError: Nobody can listen at the address.
        TypeError: `profiler` is no Profiler, or the rule is given in two ways.
        ValueError: `address` is none.
    """

    def __init__(
        self,
        profiler: Profiler,
        address: str,
        *,
        token: str | None = None,
        open_to_all: bool | None = None,
        access: Access | None = None,
        environment: str | None = None,
        jobs: JobControl | None = None,
        request_s: float = REQUEST_S,
    ) -> None:
        where = address_of(address)
        is_open_by_default = open_to_all is None and access is None and not token and where.is_local
        if access is None:
            access = Access(token=token, open_to_all=is_open_by_default or bool(open_to_all), closed=CLOSED)
            token, open_to_all = None, None
        self._dispatcher = dispatcher_of(
            profiler, token=token, open_to_all=bool(open_to_all), access=access, environment=environment, jobs=jobs
        )
        self._checks_host = is_open_by_default and isinstance(where, TcpAddress)
        self._socket = where.listen()
        self._address = _bound(where, self._socket)
        self._process = os.getpid()
        self._connections = 0
        self._request_s = request_s
        self._loop = BackgroundLoop(profiler)
        self._server = self._loop.run(self._listen())
        _servers.add(self)
        atexit.register(self._address.remove)

    @property
    def address(self) -> str:
        """Return where the server listens, in the form in which it was given."""
        return str(self._address)

    def close(self) -> None:
        """Stop to listen, end the requests that are under way, and wait for the end of the thread."""
        if self._process == os.getpid() and self._server is not None:
            self._loop.run(self._stop(self._server))
            self._server = None
            self._loop.close()
            self._address.remove()
            atexit.unregister(self._address.remove)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _listen(self) -> asyncio.Server | None:
        if isinstance(self._address, UnixAddress):
            return await asyncio.start_unix_server(self._serve, sock=self._socket, limit=MAX_HEAD_BYTES)
        return await asyncio.start_server(self._serve, sock=self._socket, limit=MAX_HEAD_BYTES)

    async def _stop(self, server: asyncio.Server) -> None:
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        self._connections += 1
        try:
            await self._answer(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client is gone, or sends nothing, or takes nothing
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_body = True
        try:
            head = await self._read(reader)
            with_body = head.method != "HEAD"
            response = await self._respond(head)
        except Problem as problem:
            response = problem.response()
        writer.write(encode(response, with_body=with_body))
        async with asyncio.timeout(self._request_s):
            await writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> Head:
        if self._connections > MAX_CONNECTIONS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are under way", headers=_LATER)
        async with asyncio.timeout(self._request_s):
            return await read_request(reader)

    async def _respond(self, head: Head) -> Response:
        if self._checks_host and not is_loopback(_name_of(head.headers.get("host", "localhost"))):
            raise Problem(HTTPStatus.FORBIDDEN, NOT_A_PAGE)
        prefix, path = split_path(PREFIXES, head.path)
        if prefix is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is nothing at {head.path}; the routes are below /debug")
        request = Request(
            method=head.method,
            prefix=prefix,
            path=path,
            query=query_of(head.query),
            authorization=head.headers.get("authorization", ""),
        )
        return await self._dispatcher.respond(request)

    def _leave(self) -> None:
        """Let go of the parent's socket, so that its address is free when the parent has ended."""
        self._socket.close()
        atexit.unregister(self._address.remove)


_LATER = {"Retry-After": "5"}
_servers: weakref.WeakSet[DebugServer] = weakref.WeakSet()


def _leave_in_fork() -> None:
    for server in list(_servers):
        server._leave()  # noqa: SLF001 - of this module's own class


os.register_at_fork(after_in_child=_leave_in_fork)


def _bound(asked: Address, listening: socket.socket) -> Address:
    """Return the address with the port that was free."""
    return TcpAddress(asked.host, listening.getsockname()[1]) if isinstance(asked, TcpAddress) else asked


def _name_of(host: str) -> str:
    """Return the name or the number in a `Host` header, without its port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
