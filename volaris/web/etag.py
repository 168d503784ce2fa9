"""Entity tags, which tell a client that its copy of an answer is still valid, before any rows are read."""

from __future__ import annotations

from hashlib import blake2b
from http import HTTPStatus
from importlib.metadata import version

import orjson
from aiohttp import hdrs, web
from aiohttp.helpers import ETAG_ANY

# Reads from disk, so it runs at import and not in the event loop. Another version may format the same rows differently.
_VERSION = version("volaris")

REVALIDATE = "no-cache"  # keep the answer, and ask each time whether it is still valid


def tag_of(request: web.Request, *written: object) -> str:
    """Return the tag of the answer to this path and query, as long as `written` is what a run wrote last.

    Compute the tag before the rows are read. If a run writes in between, new rows then have an old tag, which the next
    request corrects; old rows never have a new tag.
    """
    asked = sorted(request.query.items())
    return blake2b(orjson.dumps([_VERSION, request.path, asked, written]), digest_size=12).hexdigest()


def is_known(request: web.Request, tag: str) -> bool:
    """Return whether the client already has the answer with this tag (If-None-Match)."""
    return any(known.value in {tag, ETAG_ANY} for known in request.if_none_match or ())


def not_modified(tag: str) -> web.Response:
    """Return a 304, which tells the client that its copy is still valid."""
    return tagged(web.Response(status=HTTPStatus.NOT_MODIFIED), tag)


def tagged(response: web.Response, tag: str) -> web.Response:
    """Return the answer with the tag in its headers."""
    response.headers.update(tag_headers(tag))
    return response


def tag_headers(tag: str) -> dict[str, str]:
    """Return the headers that carry a tag. It is a weak one: answers with the same rows may differ in the rows' age."""
    return {hdrs.ETAG: f'W/"{tag}"', hdrs.CACHE_CONTROL: REVALIDATE}
