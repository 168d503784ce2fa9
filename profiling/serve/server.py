"""The debug server: sockets on a loop in a thread of the profiler's own."""

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

MAX_CONNECTIONS = 32
REQUEST_S = 10.0
RECEIVED_BYTES = 16 << 10  # at once
MAX_DRAINED_BYTES = 1 << 20
PAUSE_S = 1.0  # after a connection that could not be accepted
CLOSED = (
    "this debug server is closed, since it can be reached from other machines; open it with token=..., "
    "or with open_to_all=True to whoever can reach it"
)
NOT_A_PAGE = "only a request to localhost or a loopback address is answered here; no page of another site may ask"

_logger = logging.getLogger(__name__)


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
        """Return where the server listens, in the form in which it was given."""
        return str(self._address)

    def close(self) -> None:
        """Stop to listen, end the requests that are under way, and wait for the end of the thread."""
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
        """Accept a connection, in a callback: a task that is cancelled may lose the connection that it has accepted."""
        loop = asyncio.get_running_loop()
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # the client has gone already
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
        # Not in the task, which may be cancelled before its first step.
        self._tasks.discard(task)
        connection.close()

    async def _serve(self, connection: socket.socket) -> None:
        """Answer the one request of a connection. A client that is gone, or sends or takes nothing, is left."""
        with suppress(OSError, TimeoutError):
            try:
                head = await self._read(connection)
            except Problem as problem:
                await self._send(connection, encode(problem.response()))
                await self._drain(connection)
            else:
                response = await self._respond(head)
                await self._send(connection, encode(response, with_body=head.method != "HEAD"))

    async def _read(self, connection: socket.socket) -> Head:
        if len(self._tasks) > MAX_CONNECTIONS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are under way", headers=_LATER)
        async with asyncio.timeout(self._request_s):
            return await read_request(partial(asyncio.get_running_loop().sock_recv, connection, RECEIVED_BYTES))

    async def _send(self, connection: socket.socket, raw: bytes) -> None:
        async with asyncio.timeout(self._request_s):
            await asyncio.get_running_loop().sock_sendall(connection, raw)

    async def _drain(self, connection: socket.socket) -> None:
        """Take the rest of a request that was refused: a socket closed before is reset, and the answer may be lost."""
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
