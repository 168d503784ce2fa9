"""Requests to the debug routes of a running service. Its token comes from the environment."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from profiling.errors import NoAnswer

TOKEN_VARIABLE = "PROFILING_TOKEN"  # noqa: S105 - its name; on a command line all users of the machine would see it
TIMEOUT_S = 660.0  # more than the longest change takes
MAX_BYTES = 256 << 20  # of an answer
DEBUG = "/debug"
SCHEMES = ("http://", "https://")


def ask(address: str, route: str, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """Return the answer of a debug route of the service at that address. Raises NoAnswer.

    Args:
        address: Of the service, `http://localhost:8080`, or of its debug routes, `http://localhost:8080/api/v1/debug`.
        route: The path of the route, from its slash on, and its query.
        timeout_s: How long the service may be silent.
    """
    url = urlsplit(address)
    if not address.startswith(SCHEMES):
        raise NoAnswer(f"{address!r} is no address of a service; write it as http://localhost:8080")
    if url.username is not None or url.password is not None or url.query:
        raise NoAnswer(f"the address must have no password and no query; set {TOKEN_VARIABLE} to send a token")
    path = url.path.rstrip("/")
    base = path if path.endswith(DEBUG) else path + DEBUG
    token = os.environ.get(TOKEN_VARIABLE)
    request = urllib.request.Request(  # noqa: S310 - http or https, as seen above
        f"{url.scheme}://{url.netloc}{base}{route}", headers={"Authorization": f"Bearer {token}"} if token else {}
    )
    try:
        # A redirect is followed by nobody, because it would send the token to another place.
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout_s) as answer:
            data: bytes = answer.read(MAX_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            told = error.read(2_000).decode(errors="replace")
        raise NoAnswer(f"the service answered with {error.code}: {told}") from error
    except (OSError, ValueError) as error:
        raise NoAnswer(f"the service cannot be reached: {error}") from error
    return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Return no request."""
