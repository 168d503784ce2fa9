"""Who may call the debug routes.

By default only the bearer of the token; with `open_to_all` everybody may read. A request that changes something always
needs the `Authorization` header, because a page in a browser cannot make a foreign site send it, and no CORS header
ever allows that.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from http import HTTPStatus

from profiling.web.messages import Problem

READING = {"GET", "HEAD"}
CLOSED = (
    "the debug routes of this service are closed; open them with mount(app, profiler, token=...), "
    "or with open_to_all=True to whoever can reach them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The access rule of one service, and its messages for a refusal.

    An empty token counts as none. Without a token, reading is either open to all or closed. If reading is open and
    there is no token, a change is accepted with any token.
    """

    token: str | None = field(default=None, repr=False)
    open_to_all: bool = False  # for reading; changes always need the header
    closed: str = CLOSED  # the message if no request is accepted
    token_name: str = "token"  # noqa: S105 - what the service calls its token

    metrics_token: str | None = field(default=None, repr=False)  # for scrapers, which may read metrics only

    def __post_init__(self) -> None:
        for name, token in (("token", self.token), ("metrics_token", self.metrics_token)):
            if token is not None and not isinstance(token, str):
                raise TypeError(f"{name} must be a str, not {type(token).__name__}")
            if token and token.split() != [token]:
                raise ValueError(f"{name} must not contain spaces, because it is sent in a header")

    @property
    def lets_nobody_in(self) -> bool:
        """Return whether no request is accepted, because there is no token and reading is not open."""
        return not self.token and not self.open_to_all

    def check(self, authorization: str, *, changes: bool) -> None:
        """Raise Problem 403, with what is missing, if the rule refuses a request with this header."""
        if self.open_to_all and not changes:
            return
        if self.lets_nobody_in:
            raise Problem(HTTPStatus.FORBIDDEN, self.closed)
        given = _bearer_of(authorization)
        if not given:
            header = f"Authorization: Bearer <{self.token_name}>"
            raise Problem(HTTPStatus.FORBIDDEN, f"the request has no bearer token; send the header `{header}`")
        if self.token and not hmac.compare_digest(_bytes_of(given), _bytes_of(self.token)):
            raise Problem(HTTPStatus.FORBIDDEN, f"the bearer token is wrong; send the value of {self.token_name}")

    def check_scraper(self, authorization: str) -> None:
        """Raise Problem 403 if neither the token for metrics nor the rule for reading lets a scraper in."""
        given = _bearer_of(authorization)
        if self.metrics_token and hmac.compare_digest(_bytes_of(given), _bytes_of(self.metrics_token)):
            return
        self.check(authorization, changes=False)


def _bearer_of(authorization: str) -> str:
    """Return the token in the header, or an empty text."""
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _bytes_of(text: str) -> bytes:
    """Return the text as bytes, as it was sent or set: bytes that are not UTF-8 are in it as lone surrogates."""
    return text.encode(errors="surrogateescape")
