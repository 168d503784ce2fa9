"""Requests to the debug routes of a running service."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urlsplit

from profiling.errors import NoAnswer

TOKEN_VARIABLE = "PROFILING_TOKEN"  # noqa: S105 - its name; on a command line all users of the machine would see it
TIMEOUT_S = 660.0  # more than the longest change takes
MAX_BYTES = 256 << 20  # of an answer
MAX_PROBLEM_BYTES = 10_000  # of an answer that refuses
DEBUG = "/debug"
SCHEMES = ("http://", "https://")
PROCESS_HEADER = "X-Profiler-Process"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request that was not refused."""

    body: bytes
    process: str  # number of the process that answered; empty if a proxy has removed it


class Service:
    """A service with debug routes.

    Args:
        address: Of the service, `http://localhost:8080`, or of its debug routes, `http://localhost:8080/api/v1/debug`.
        token: The token; by default that of the environment variable `PROFILING_TOKEN`.

    Raises NoAnswer if the address is none, or has a password or a query.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        url = urlsplit(address)
        if not address.startswith(SCHEMES):
            raise NoAnswer(f"{address!r} is no address of a service; write it as http://localhost:8080")
        if url.username is not None or url.password is not None or url.query:
            raise NoAnswer(f"the address must have no password and no query; set {TOKEN_VARIABLE} to send a token")
        path = url.path.rstrip("/")
        self._base = f"{url.scheme}://{url.netloc}{path if path.endswith(DEBUG) else path + DEBUG}"
        token = os.environ.get(TOKEN_VARIABLE) if token is None else token
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A redirect is followed by nobody, because it would send the token to another place.
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, route: str, *, timeout_s: float = TIMEOUT_S) -> Answer:
        """Return the answer of a route, given by its path from the slash on, and its query. Raises NoAnswer."""
        request = urllib.request.Request(self._base + route, headers=self._headers)  # noqa: S310 - http or https
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                return Answer(answer.read(MAX_BYTES), answer.headers.get(PROCESS_HEADER, ""))
        except urllib.error.HTTPError as error:
            with error:
                told = _detail(error.read(MAX_PROBLEM_BYTES))
            raise NoAnswer(f"the service answered with {error.code}: {told}", error.code) from error
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", error)  # of an URLError, which names no address
            why = getattr(reason, "strerror", None) or reason
            raise NoAnswer(f"the service cannot be reached: {self._base}: {why}") from error


def _detail(body: bytes) -> str:
    """Return what a problem says in its detail, or the whole answer if it is no such problem."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Return no request."""
