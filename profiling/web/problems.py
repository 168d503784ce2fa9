"""Every error of an aiohttp application in one form: RFC 9457, `application/problem+json`.

Put `problems_middleware` first among the middlewares of an application, and raise `Problem` wherever a request cannot
be answered. Some answers that aiohttp gives before any middleware keep its plain text: those to a request that is not
HTTP, and to an unknown `Expect` header.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

CONTENT_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


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


def problem_response(problem: Problem) -> web.Response:
    """Return the answer for a problem; a member of `extra` never replaces one that RFC 9457 defines."""
    document = problem.extra | {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    return web.Response(
        body=_json(document),
        status=problem.status,
        headers=problem.headers,
        content_type=CONTENT_TYPE,
    )


def _json(document: dict[str, object]) -> bytes:
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:
        # Bytes of a request line that are not UTF-8 are lone surrogates here, which orjson refuses.
        return json.dumps(document).encode()


@web.middleware
async def problems_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error below this middleware with a problem.

    These are `Problem`, aiohttp's own errors (with 404 and 405 of the router) and, as a bare 500, every unexpected
    error, which is logged with its traceback.

    Redirects and cancellation pass. An error after the first byte of a streamed answer passes too. By then the status
    is sent, so aiohttp can only log the error and close the connection, which shows the client that the answer is
    incomplete.
    """
    try:
        return await handler(request)
    except Exception as error:
        if request.writer.output_size > 0:
            raise
        if isinstance(error, web.HTTPException) and error.status < HTTPStatus.BAD_REQUEST:
            raise
        return problem_response(_problem_of(error, request))


def _problem_of(error: Exception, request: web.Request) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, web.HTTPException):
        return _problem_of_http_error(error, request)
    # The raw path is percent-encoded, so that it cannot break the log's line; a query may hold a secret.
    _log.error("unexpected error in %s %s", request.method, request.rel_url.raw_path, exc_info=error)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error happened; see the log of the service")


def _problem_of_http_error(error: web.HTTPException, request: web.Request) -> Problem:
    extra: dict[str, object] = {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        extra["allowed"] = allowed = sorted(error.allowed_methods)
        detail = f"{request.method} is not allowed at {request.path}; use {' or '.join(allowed)}"
    elif error.text and error.text != f"{error.status}: {error.reason}":
        detail = error.text
    elif isinstance(error, web.HTTPNotFound):
        detail = f"there is no page at {request.path}; check the path"
    else:
        detail = error.reason
    headers = {name: value for name, value in error.headers.items() if not name.lower().startswith("content-")}
    return Problem(error.status, detail, extra=extra, headers=headers)
