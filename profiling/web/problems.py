"""Every error of an aiohttp application in one form: RFC 9457, `application/problem+json`.

Put `problems_middleware` first among the middlewares of an application, and raise `Problem` wherever a request cannot
be answered. Some answers that aiohttp gives before any middleware keep its plain text: those to a request that is not
HTTP, and to an unknown `Expect` header.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from profiling.web.messages import PROBLEM_JSON as CONTENT_TYPE
from profiling.web.messages import Problem, Response

__all__ = ["CONTENT_TYPE", "Problem", "aiohttp_response", "problem_response", "problems_middleware"]

_log = logging.getLogger(__name__)


def problem_response(problem: Problem) -> web.Response:
    """Return the answer for a problem; a member of `extra` never replaces one that RFC 9457 defines."""
    return aiohttp_response(problem.response())


def aiohttp_response(response: Response) -> web.Response:
    """Return a response of the debug routes as one of aiohttp."""
    headers = {**response.headers, "Content-Type": response.content_type}
    return web.Response(body=response.body, status=response.status, headers=headers)


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
    return Problem.unexpected()


def _problem_of_http_error(error: web.HTTPException, request: web.Request) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Problem.not_allowed(request.method, request.path, error.allowed_methods)
    if error.text and error.text != f"{error.status}: {error.reason}":
        detail = error.text
    elif isinstance(error, web.HTTPNotFound):
        return Problem.nothing_at(request.path)
    else:
        detail = error.reason
    headers = {name: value for name, value in error.headers.items() if not name.lower().startswith("content-")}
    return Problem(error.status, detail, headers=headers)
