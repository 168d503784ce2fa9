"""Requests to the service, with the token that opens the debug routes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 10.0


class NoAnswer(Exception):
    """Raised where nobody answers, or with a status that tells of an error."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """GET and POST to one address on this machine."""

    def __init__(self, port: int, token: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._headers = {"Authorization": f"Bearer {token}"}

    def status(self, path: str) -> int | None:
        """The status of the answer to GET `path`; None where nobody answers."""
        try:
            with self._open(path, "GET") as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def json(self, path: str, method: str = "GET") -> Any:
        """The answer as a document. Raises NoAnswer."""
        try:
            with self._open(path, method) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise NoAnswer(f"{method} {path}: status {error.code}, {error.read()[:300]!r}", error.code) from error
        except OSError as error:
            raise NoAnswer(f"{method} {path}: {error}") from error

    def _open(self, path: str, method: str) -> Any:
        request = urllib.request.Request(self._base + path, method=method, headers=self._headers)
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)
