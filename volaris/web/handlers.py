"""Decorators for handlers: a checked query, and the handler's entry in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, NoReturn

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp_apispec import docs, querystring_schema, response_schema
from marshmallow import RAISE, Schema, ValidationError
from webargs.aiohttpparser import AIOHTTPParser

from profiling.web.problems import CONTENT_TYPE, Problem
from volaris.web.schemas import ProblemSchema

JSON_TYPES = ["application/json", CONTENT_TYPE]
STREAMED_TYPES = ["text/csv", "application/x-ndjson"]
SYMBOL_PARAMETER = {"in": "path", "name": "symbol", "required": True, "type": "string", "example": "AAPL"}
TAG_PARAMETER = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "type": "string",
    "description": "ETag of an answer that the client has; the answer is 304 if it is still valid",
}

QueryHandler = Callable[[web.Request, Mapping[str, Any]], Awaitable[web.StreamResponse]]


class _ProblemParser(AIOHTTPParser):
    """The parser of webargs with errors in our form; a separate one, because webargs' own is shared by the process."""

    def handle_error(self, error: ValidationError, *_: object, **__: object) -> NoReturn:
        """Raise Problem 422 with the wrong fields, and what is wrong with each."""
        by_field = error.messages_dict["query"]
        detail = "; ".join(f"{field}: {', '.join(messages)}" for field, messages in by_field.items())
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, extra={"errors": by_field}) from error


_PARSER = _ProblemParser()


def with_query(schema: Schema) -> Callable[[QueryHandler], Handler]:
    """Return a decorator that calls the handler with the query, which `schema` has checked.

    If the query is wrong, the answer is 422 with the field. The middleware of aiohttp-apispec is not used, because it
    stores its result in the request under a plain string, and aiohttp warns about that.
    """

    def decorate(handler: QueryHandler) -> Handler:
        @wraps(handler)
        async def checked(request: web.Request) -> web.StreamResponse:
            query = await _PARSER.parse(schema, request, location="query", unknown=RAISE)
            return await handler(request, query)

        return _as_handler(querystring_schema(schema)(checked))

    return decorate


def described(
    summary: str,
    answer: Schema,
    problems: Mapping[int, str],
    *,
    of_symbol: bool = False,
    also: Sequence[str] = (),
    with_tag: bool = False,
) -> Callable[[Handler], Handler]:
    """Return a decorator that adds a handler to the OpenAPI document.

    The document describes the handler's answer, and its problems by status. `also` lists media types that the handler
    can answer with besides JSON.
    """
    forms = [*JSON_TYPES, *also]
    parameters = [SYMBOL_PARAMETER] * of_symbol + [TAG_PARAMETER] * with_tag
    unchanged = {"304": {"description": "the client's copy, by its tag, is still valid"}} if with_tag else {}

    def decorate(handler: Handler) -> Handler:
        handler = response_schema(answer, HTTPStatus.OK.value, description=summary)(handler)
        for status, when in problems.items():
            handler = response_schema(ProblemSchema(), status, description=when)(handler)
        return _as_handler(docs(summary=summary, produces=forms, parameters=parameters, responses=unchanged)(handler))

    return decorate


def described_of_symbol(summary: str, answer: Schema) -> Callable[[Handler], Handler]:
    """Return `described` for the rows of one symbol: a page with a tag, or all rows as a stream."""
    problems = {
        404: "there is no such symbol",
        422: "a query parameter is wrong",
        502: "nothing is stored, and what the market source answered cannot be used",
        503: "the database, or a needed market source, is unavailable, or too many exports or fetches are running",
        504: "nothing is stored, and the market source did not answer in time",
    }
    return described(summary, answer, problems, of_symbol=True, also=STREAMED_TYPES, with_tag=True)


def _as_handler(decorated: Any) -> Handler:
    # aiohttp-apispec has no types; its decorators return the function that they are given.
    handler: Handler = decorated
    return handler


def json_answer(document: Mapping[str, object]) -> web.Response:
    """Return a document as JSON, with UTC times that end in Z."""
    return web.Response(body=orjson.dumps(document, option=orjson.OPT_UTC_Z), content_type="application/json")
