"""The debug routes as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from urllib.parse import quote, unquote

from profiling.asgi.types import Message, Receive, Scope, Send, path_below_root
from profiling.profiler import Profiler
from profiling.web.access import Access
from profiling.web.dispatcher import dispatcher_of
from profiling.web.jobs import JobControl
from profiling.web.messages import Request, Response, query_of
from profiling.web.streaming import send_parts

POLICY_VIOLATION = 1008  # of a WebSocket that is closed


class DebugApp:
    """The debug routes, to mount in an application: `app.mount("/debug", DebugApp(profiler, token="..."))`.

    The routes and the access rule are those of `profiling.web.mount`: all but health are closed by default. Served by
    itself, the application has the routes at its root. Needs asyncio.

    Args:
        profiler: The profiler whose data the routes show.
        token: Required as `Authorization: Bearer <token>`. Without a token, all routes but health answer 403. An empty
            token counts as none.
        open_to_all: Whether reading needs no token. A POST still needs the header.
        access: An access rule with the service's own messages, instead of `token` and `open_to_all`.
        environment: The value of the key `environment` in the answer of health.
        jobs: The scheduler's jobs, to list and control them. By default, jobs with profiled runs are listed.

    Raises:
        TypeError: `profiler` is not a Profiler, or both forms of rule are given.
    """

    def __init__(
        self,
        profiler: Profiler,
        *,
        token: str | None = None,
        open_to_all: bool = False,
        access: Access | None = None,
        environment: str | None = None,
        jobs: JobControl | None = None,
    ) -> None:
        self._dispatcher = dispatcher_of(
            profiler, token=token, open_to_all=open_to_all, access=access, environment=environment, jobs=jobs
        )
        self._profiler = profiler
        self._is_watched = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or the lifespan messages of a server that serves this application by itself."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            self._watch()
            response = await self._dispatcher.respond(_request_of(scope))
            if response.parts is None:
                await _send(response, send, with_body=scope["method"] != "HEAD")
            else:
                await _send_parts(response, response.parts, receive, send)
        else:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "no WebSocket is here"})

    async def _live(self, receive: Receive, send: Send) -> None:
        message: Message = {"type": ""}
        while message["type"] != "lifespan.shutdown":
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._watch()
            await send({"type": f"{message['type']}.complete"})

    def _watch(self) -> None:
        """Watch from the first request on, because a mounted application receives no lifespan messages."""
        if not self._is_watched:
            self._is_watched = True
            self._profiler.start_watching()


async def _send(response: Response, send: Send, *, with_body: bool) -> None:
    await send(_start_of(response, {"content-length": str(len(response.body))}))
    await send({"type": "http.response.body", "body": response.body if with_body else b""})


async def _send_parts(response: Response, parts: AsyncGenerator[bytes], receive: Receive, send: Send) -> None:
    """Send the parts until their end, or until the client is gone, which not every server tells by an error."""
    await send(_start_of(response, {}))

    async def send_part(part: bytes) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": True})

    await send_parts(parts, send_part, _client_gone(receive))
    with suppress(OSError):  # the client is gone
        await send({"type": "http.response.body", "body": b""})


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start_of(response: Response, headers: Mapping[str, str]) -> Message:
    named = {"content-type": response.content_type, **headers}
    named |= {name.lower(): value for name, value in response.headers.items()}
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    return {"type": "http.response.start", "status": int(response.status), "headers": pairs}


def _request_of(scope: Scope) -> Request:
    headers = {bytes(name): bytes(value) for name, value in reversed(scope["headers"])}  # the first of a name counts
    return Request(
        method=scope["method"],
        prefix=quote(str(scope.get("root_path", "")).rstrip("/")),
        path=_raw_path(scope),
        query=query_of(bytes(scope.get("query_string", b"")).decode("latin-1")),
        authorization=headers.get(b"authorization", b"").decode(errors="surrogateescape"),
        accept=headers.get(b"accept", b"").decode("latin-1"),
    )


def _raw_path(scope: Scope) -> str:
    """Return the path below the application, percent-encoded as the client sent it, if the server passes that on."""
    path, raw = path_below_root(scope), bytes(scope.get("raw_path") or b"").decode("latin-1")
    # The server gives the mount point only as a part of the decoded path. The raw path has as many parts before ours.
    parts = str(scope["path"]).removesuffix(path).count("/")
    for left_out in (parts, 0):  # some servers leave `root_path` out of the raw path
        rest = raw.split("/", left_out + 1)[left_out + 1 :]
        if unquote("/".join(["", *rest])) == path:
            return "/".join(["", *rest])
    return quote(path)
