"""A request, a response and a problem, as the debug routes know them: no web framework is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import responses
from urllib.parse import parse_qsl, unquote

from profiling.web.encoding import dumps

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks for, as far as a debug route may know it."""

    method: str  # in capitals
    prefix: str  # the path below which the routes are, percent-encoded, without a slash at its end
    path: str  # the rest of the path, percent-encoded: empty, or from a slash on
    query: Mapping[str, str] = field(default_factory=dict)  # the first value of each name
    authorization: str = ""  # of that header; bytes that are no UTF-8 are lone surrogates

    @property
    def full_path(self) -> str:
        """Return the whole path, decoded."""
        return unquote(self.prefix + self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a client gets."""

    body: bytes
    status: int = HTTPStatus.OK
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)  # beside those of the content


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
    """Raised in a handler for a request that gets an error as its answer.

    `detail` tells the caller what happened and what to do, in a sentence; `extra` holds further members of the document
    for programs (`{"known": [...]}`), `headers` those of the response (`{"Retry-After": "5"}`). The title is the status
    phrase: RFC 9457 asks for that if `type` is `about:blank`, as it always is here.
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
        """Return the problem of a path that no route has."""
        return cls(HTTPStatus.NOT_FOUND, f"there is nothing at {path}")

    @classmethod
    def not_allowed(cls, method: str, path: str, allowed: Iterable[str]) -> Problem:
        """Return the problem of a method that no route has at the path, with the methods that there are."""
        methods = sorted(allowed)
        detail = f"{method} is not allowed at {path}; {', '.join(methods)} is"
        status, headers = HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": ",".join(methods)}
        return cls(status, detail, extra={"allowed": methods}, headers=headers)

    @classmethod
    def unexpected(cls) -> Problem:
        """Return the problem of an error that nobody expected, which tells nothing of it."""
        detail = "something went wrong here; the log of the service says what"
        return cls(HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    def response(self) -> Response:
        """Return the answer that carries it; a member of `extra` never replaces one that RFC 9457 defines."""
        document = self.extra | {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return Response(body=dumps(document), status=self.status, content_type=PROBLEM_JSON, headers=self.headers)
