"""A request, a response and a problem, as the debug routes see them, without a web framework."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import responses
from urllib.parse import parse_qsl, unquote

from profiling.web.encoding import dumps

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
PLAIN = "text/plain"
TEXT = f"{PLAIN}; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of a client, with the parts that debug routes use."""

    method: str  # in capitals
    prefix: str  # the path that the routes are mounted under, percent-encoded, without a slash at its end
    path: str  # the rest of the path, percent-encoded: empty, or from a slash on
    query: Mapping[str, str] = field(default_factory=dict)  # the first value of each name
    authorization: str = ""  # value of that header; bytes that are not UTF-8 are lone surrogates
    accept: str = ""  # value of that header

    @property
    def full_path(self) -> str:
        """Return the whole path, decoded."""
        return unquote(self.prefix + self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response to a client."""

    body: bytes
    status: int = HTTPStatus.OK
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)  # in addition to those of the content
    # The parts of an answer that goes on, in place of the body. They end at their end, or when the client is gone. A
    # server that would hold a thread meanwhile sends the first part only.
    parts: AsyncGenerator[bytes] | None = None


def json_response(document: object, status: int = HTTPStatus.OK) -> Response:
    """Return the document as JSON."""
    return Response(body=dumps(document), status=status)


def text_response(text: str) -> Response:
    """Return the text as it is."""
    return Response(body=text.encode(errors="surrogatepass"), content_type=TEXT)


def first_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the first value of each name."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name, value)
    return values


def query_of(text: str) -> dict[str, str]:
    """Return the query of a request line, decoded."""
    return first_values(parse_qsl(text, keep_blank_values=True))


class Problem(Exception):
    """Raised in a handler to answer a request with an error.

    `detail` tells the caller in a sentence what happened and what to do. `extra` holds further members of the document,
    for programs (`{"known": [...]}`). `headers` are those of the response (`{"Retry-After": "5"}`). The title is the
    phrase of the status, as RFC 9457 demands for the type `about:blank`, which is always used here.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.title = responses.get(status, "Error")
        self.detail = detail
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    @classmethod
    def nothing_at(cls, path: str) -> Problem:
        """Return the problem for a path that no route has."""
        return cls(HTTPStatus.NOT_FOUND, f"there is no page at {path}; check the path")

    @classmethod
    def not_allowed(cls, method: str, path: str, allowed: Iterable[str]) -> Problem:
        """Return the problem for a method that is not allowed at the path, with the methods that are."""
        methods = sorted(allowed)
        detail = f"{method} is not allowed at {path}; use {' or '.join(methods)}"
        status, headers = HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": ",".join(methods)}
        return cls(status, detail, extra={"allowed": methods}, headers=headers)

    @classmethod
    def unexpected(cls) -> Problem:
        """Return the problem for an unexpected error, which tells the client nothing about it."""
        detail = "an unexpected error happened; see the log of the service"
        return cls(HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    def response(self) -> Response:
        """Return the answer for a problem; a member of `extra` never replaces one that RFC 9457 defines."""
        document = self.extra | {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return Response(body=dumps(document), status=self.status, content_type=PROBLEM_JSON, headers=self.headers)
