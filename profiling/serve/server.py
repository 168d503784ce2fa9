"""The debug server: sockets on an event loop in a thread of the profiler."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import socket
import weakref
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Self

from profiling.profiler import Profiler
from profiling.serve.address import Address, TcpAddress, address_of, is_loopback
from profiling.serve.http import Head, encode, read_request
from profiling.web.access import Access
from profiling.web.background import BackgroundLoop
from profiling.web.dispatcher import PREFIXES, dispatcher_of, split_path
from profiling.web.jobs import JobControl
from profiling.web.messages import Problem, Request, Response, query_of
from profiling.web.streaming import send_parts

MAX_CONNECTIONS = 32
REQUEST_S = 10.0
RECEIVED_BYTES = 16 << 10  # at most, in one call
MAX_DRAINED_BYTES = 1 << 20
PAUSE_S = 1.0  # after a failure to accept a connection
CLOSED = (
    "this debug server is closed, because it can be reached from other machines; open it with token=..., "
    "or with open_to_all=True to whoever can reach it"
)
NOT_A_PAGE = "only a request to localhost or a loopback address is answered here; no page of another site may ask"

_logger = logging.getLogger(__name__)


class DebugServer:
    """A server of the debug routes, which runs until `close`.

    Reading needs no token at a loopback address, which every user of the machine can reach, and at a Unix socket, which
    only the owner of the process can open. A page in a browser can reach a loopback address too, so a request there is
    only answered if its `Host` header is a loopback address or `localhost`; pages of other sites send another one. At
    any other address the routes are closed without a token or `open_to_all=True`. A request that changes something
    always needs the `Authorization` header.

    A forked child does not listen; the server of its parent goes on.

    Args:
        profiler: The profiler whose data the routes show.
        address: `127.0.0.1:6061`, `[::1]:6061` or `unix:/run/profiler.sock`; port 0 means any free port.
        token: Required as `Authorization: Bearer <token>`.
        open_to_all: Whether reading needs no token. By default (None) this depends on the address, as above.
        access: An access rule with the service's own messages, instead of `token` and `open_to_all`.
        environment: The value of the key `environment` in the answer of health.
        jobs: The scheduler's jobs, to list and control them. By default, jobs with profiled runs are listed.
        request_s: The most time for receiving a request, and for sending its response.

    Raises:
        OSError: The server cannot listen at the address.
        TypeError: `profiler` is not a Profiler, or both forms of rule are given.
        ValueError: `address` is not an address.
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
        self._tasks: set[asyncio.Task[Any]] = set()  # one for each connection
        self._request_s = request_s
        self._loop = BackgroundLoop()
        self._socket.setblocking(False)
        self._is_listening = True
        self._loop.run(self._listen())
        profiler.start_watching()
        _servers.add(self)
        atexit.register(self._address.remove)

    @property
    def address(self) -> str:
        """Return the address at which the server listens, with the actual port."""
        return str(self._address)

    def close(self) -> None:
        """Stop listening, cancel all requests, and wait for the end of the thread."""
        if self._process == os.getpid() and self._is_listening:
            self._is_listening = False
            self._loop.run(self._stop())
            self._loop.close()
            self._address.remove()
            atexit.unregister(self._address.remove)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    async def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self) -> None:
        """Accept a connection. This is a callback, because a cancelled task may lose an accepted connection."""
        loop = asyncio.get_running_loop()
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # the client has closed the connection already
        except OSError as error:
            _logger.warning("no connection to the debug routes can be accepted for %g s: %s", PAUSE_S, error)
            loop.remove_reader(self._socket)
            loop.call_later(PAUSE_S, self._listen_again)
            return
        connection.setblocking(False)
        task = asyncio.create_task(self._serve(connection), name="profiling: debug request")
        self._tasks.add(task)
        task.add_done_callback(partial(self._end, connection))

    def _listen_again(self) -> None:
        if self._is_listening:
            asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def _end(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        # Not done in the task, which may be cancelled before its first step.
        self._tasks.discard(task)
        connection.close()

    async def _serve(self, connection: socket.socket) -> None:
        """Answer the one request of a connection. Give up if the client is gone, or neither sends nor receives."""
        with suppress(OSError, TimeoutError):
            try:
                head = await self._read(connection)
            except Problem as problem:
                await self._send(connection, encode(problem.response()))
                await self._drain(connection)
            else:
                response = await self._respond(head)
                await self._send(connection, encode(response, with_body=head.method != "HEAD"))
                if response.parts is not None:
                    gone = asyncio.get_running_loop().sock_recv(connection, RECEIVED_BYTES)
                    await send_parts(response.parts, partial(self._send, connection), gone)

    async def _read(self, connection: socket.socket) -> Head:
        if len(self._tasks) > MAX_CONNECTIONS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are under way", headers=_LATER)
        async with asyncio.timeout(self._request_s):
            return await read_request(partial(asyncio.get_running_loop().sock_recv, connection, RECEIVED_BYTES))

    async def _send(self, connection: socket.socket, raw: bytes) -> None:
        async with asyncio.timeout(self._request_s):
            await asyncio.get_running_loop().sock_sendall(connection, raw)

    async def _drain(self, connection: socket.socket) -> None:
        """Receive the rest of a refused request, because closing the socket earlier may lose the answer."""
        connection.shutdown(socket.SHUT_WR)
        loop, left_bytes = asyncio.get_running_loop(), MAX_DRAINED_BYTES
        async with asyncio.timeout(self._request_s):
            while left_bytes > 0 and (part := await loop.sock_recv(connection, RECEIVED_BYTES)):
                left_bytes -= len(part)

    async def _respond(self, head: Head) -> Response:
        try:
            return await self._dispatch(head)
        except Problem as problem:
            return problem.response()

    async def _dispatch(self, head: Head) -> Response:
        if self._checks_host and not is_loopback(_name_of(head.headers.get("host", "localhost"))):
            raise Problem(HTTPStatus.FORBIDDEN, NOT_A_PAGE)
        prefix, path = split_path(PREFIXES, head.path)
        if prefix is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"there is no page at {head.path}; the routes are below /debug")
        request = Request(
            method=head.method,
            prefix=prefix,
            path=path,
            query=query_of(head.query),
            authorization=head.headers.get("authorization", ""),
            accept=head.headers.get("accept", ""),
        )
        return await self._dispatcher.respond(request)

    def _leave(self) -> None:
        """Close the parent's socket in a forked child, so that its address is free when the parent has ended."""
        self._socket.close()
        atexit.unregister(self._address.remove)


_LATER = {"Retry-After": "5"}
_servers: weakref.WeakSet[DebugServer] = weakref.WeakSet()


def _leave_in_fork() -> None:
    for server in list(_servers):
        server._leave()  # noqa: SLF001 - a method of this module's own class


os.register_at_fork(after_in_child=_leave_in_fork)


def _bound(asked: Address, listening: socket.socket) -> Address:
    """Return the address with the actual port."""
    return TcpAddress(asked.host, listening.getsockname()[1]) if isinstance(asked, TcpAddress) else asked


def _name_of(host: str) -> str:
    """Return the host in a `Host` header, without its port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
