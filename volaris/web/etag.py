"""Entity tags: whoever has an answer already is told so, before the rows are read."""

from __future__ import annotations

from hashlib import blake2b
from http import HTTPStatus
from importlib.metadata import version

import orjson
from aiohttp import hdrs, web
from aiohttp.helpers import ETAG_ANY

# Read from disk, so at import and not in the event loop. A new version may write the same rows in another way.
_VERSION = version("volaris")

REVALIDATE = "no-cache"  # keep it, and ask each time whether it still holds


def tag_of(request: web.Request, *written: object) -> str:
    """Return the tag of the answer to this path and query while what a run last wrote is `written`.

    To be taken before the rows are read: a run in between then leaves new rows under an old tag, which the next request
    puts right, and not old rows under a new one.
    """
    asked = sorted(request.query.items())
    return blake2b(orjson.dumps([_VERSION, request.path, asked, written]), digest_size=12).hexdigest()


def is_known(request: web.Request, tag: str) -> bool:
    """Return whether the client has the answer with this tag (If-None-Match)."""
    return any(known.value in {tag, ETAG_ANY} for known in request.if_none_match or ())


def not_modified(tag: str) -> web.Response:
    """Return a 304: what the client has still holds."""
    return tagged(web.Response(status=HTTPStatus.NOT_MODIFIED), tag)


def tagged(response: web.Response, tag: str) -> web.Response:
    """Return the answer with its tag."""
    response.headers.update(tag_headers(tag))
    return response


def tag_headers(tag: str) -> dict[str, str]:
    """Return the headers that carry a tag."""
    return {hdrs.ETAG: f'"{tag}"', hdrs.CACHE_CONTROL: REVALIDATE}
