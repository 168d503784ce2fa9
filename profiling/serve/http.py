"""The part of HTTP/1.1 that the debug routes need: one small request per connection."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses
from urllib.parse import urlsplit

from profiling.web.messages import Problem, Response

MAX_HEAD_BYTES = 16 << 10
END_OF_HEAD = b"\r\n\r\n"
MAX_BODY_BYTES = 64 << 10  # of a request body, which no route reads

_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) ([!-~]{1,8192}) HTTP/1\.[01]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The request line and the headers."""

    method: str
    path: str  # percent-encoded
    query: str
    headers: dict[str, str]  # names in lower case; bytes that are not UTF-8 are lone surrogates


Receive = Callable[[], Awaitable[bytes]]  # returns the next received bytes; none at the end of the connection


async def read_request(receive: Receive) -> Head:
    """Return the head of a request after its body was received too. The body is dropped.

    Raises:
        Problem: The request is not HTTP, or too large.
        ConnectionError: The connection ended before the request did.
    """
    raw = b""
    while (head_bytes := raw.find(END_OF_HEAD)) < 0 and len(raw) <= MAX_HEAD_BYTES:
        raw += await _receive_some(receive)
    if not 0 <= head_bytes <= MAX_HEAD_BYTES:
        detail = f"the head of a request must fit into {MAX_HEAD_BYTES} bytes"
        raise Problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
    head = _parse(raw[:head_bytes].decode(errors="surrogateescape"))
    missing_bytes = _body_bytes(head.headers) - (len(raw) - head_bytes - len(END_OF_HEAD))
    while missing_bytes > 0:
        missing_bytes -= len(await _receive_some(receive))
    return head


async def _receive_some(receive: Receive) -> bytes:
    part = await receive()
    if not part:
        raise ConnectionError("the connection ended before the request did")
    return part


def _parse(text: str) -> Head:
    line, *rest = text.split("\r\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "the request line is not one of HTTP/1.1")
    headers: dict[str, str] = {}
    for field in rest:
        name, colon, value = field.partition(":")
        if not colon or not name or name != name.strip():
            raise Problem(HTTPStatus.BAD_REQUEST, "a header is not of the form `Name: value`")
        headers.setdefault(name.lower(), value.strip())
    try:
        target = urlsplit(match[2])
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "the target of the request is not a path") from error
    return Head(method=match[1], path=target.path, query=target.query, headers=headers)


def _body_bytes(headers: dict[str, str]) -> int:
    """Return the length of the body. Raises Problem if it is too long, or if Content-Length does not give it."""
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "send no body, or its length in the header Content-Length")
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body must fit into {MAX_BODY_BYTES} bytes")
    return int(length)


def encode(response: Response, *, with_body: bool = True) -> bytes:
    """Return the bytes of the response."""
    lines = [
        f"HTTP/1.1 {int(response.status)} {responses.get(response.status, '')}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
        f"Content-Type: {response.content_type}",
        *([f"Content-Length: {len(response.body)}"] if response.parts is None else []),  # else the end is the end
        "Connection: close",
    ]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head + response.body if with_body else head
