"""Documents as JSON, by orjson, or by the standard library if orjson is not installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

_orjson_dumps: Callable[[object], bytes] | None = None
with suppress(ModuleNotFoundError):
    import orjson

    _orjson_dumps = orjson.dumps


def dumps(document: object) -> bytes:
    """Return the document as JSON. Times are in ISO 8601, and numbers that are not finite are null."""
    if _orjson_dumps is None:
        return plain_dumps(document)
    try:
        return _orjson_dumps(document)
    except TypeError:
        # Bytes of a request line that are not UTF-8 are lone surrogates here, which orjson refuses.
        return plain_dumps(document)


def plain_dumps(document: object) -> bytes:
    """Return the document as JSON by the standard library; its bytes may differ from those of orjson."""
    try:
        text = json.dumps(document, default=_plain, separators=(",", ":"), allow_nan=False)
    except ValueError:
        finite = json.loads(json.dumps(document, default=_plain), parse_constant=lambda _: None)
        text = json.dumps(finite, separators=(",", ":"))
    return text.encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not part of JSON")
