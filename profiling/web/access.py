"""Who may call the debug routes.

Nobody but the bearer of the token, if nothing else is said; with `open_to_all` everybody may look. What changes
something needs the `Authorization` header everywhere: a page in a browser cannot make a foreign site send it, and no
CORS header ever allows it to.
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
    """The rule for one service, and how the service words a refusal.

    An empty token is none. Without a token, looking is either open to all or closed, and any token does for a change
    if looking is open.
    """

    token: str | None = field(default=None, repr=False)
    open_to_all: bool = False  # for looking; changes need the header everywhere
    closed: str = CLOSED  # told if nobody is let in
    token_name: str = "token"  # noqa: S105 - what the service calls its token

    def __post_init__(self) -> None:
        if self.token is not None and not isinstance(self.token, str):
            raise TypeError(f"token is a str without spaces, and no {type(self.token).__name__}")
        if self.token and self.token.split() != [self.token]:
            raise ValueError("token is a str without spaces, since it travels in a header")

    @property
    def lets_nobody_in(self) -> bool:
        """Return whether there is neither a token nor leave to look without one."""
        return not self.token and not self.open_to_all

    def check(self, authorization: str, *, changes: bool) -> None:
        """Raise Problem 403 with what is missing if the rule does not let a request with that header through."""
        if self.open_to_all and not changes:
            return
        if self.lets_nobody_in:
            raise Problem(HTTPStatus.FORBIDDEN, self.closed)
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            raise Problem(HTTPStatus.FORBIDDEN, f"send the header `Authorization: Bearer <{self.token_name}>`")
        if self.token and not hmac.compare_digest(_bytes_of(given.strip()), _bytes_of(self.token)):
            raise Problem(HTTPStatus.FORBIDDEN, f"the bearer token is not the right {self.token_name}")


def _bytes_of(text: str) -> bytes:
    """Return the text as it was sent, or set in the environment: bytes that are no UTF-8 come as lone surrogates."""
    return text.encode(errors="surrogateescape")
