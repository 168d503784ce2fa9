"""Good documents with something wrong in them: what a feed, a file or another version may send one day."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

# What stands in for a value: of another type, too large, too small, of no kind at all.
ODD: tuple[Any, ...] = (
    None,
    True,
    "",
    "x",
    "\0",
    "1e9",
    [],
    {},
    [[]],
    0,
    -1,
    0.5,
    -0.0,
    2**31,
    2**53,
    2**63,
    10**400,
    1e-320,
    1.7e308,
    math.nan,
    math.inf,
    -math.inf,
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59",
)


@st.composite
def changed(draw: st.DrawFn, document: Any, *, most: int = 3) -> Any:
    """The document with up to `most` of its values removed, replaced, or there twice."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, most))):
        paths = list(places(made))
        if not paths:
            break
        _change(draw, made, draw(st.sampled_from(paths)))
    return made


def places(document: Any, at: Path = ()) -> Iterator[Path]:
    """Where its values are, those within values too."""
    if isinstance(document, dict | list):
        for key, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield (*at, key)
            yield from places(value, (*at, key))


def _change(draw: st.DrawFn, document: Any, path: Path) -> None:
    *way, last = path
    holder = document
    for step in way:
        holder = holder[step]
    action = draw(st.sampled_from(["remove", "replace", "replace", "again", "negate"]))
    value = holder[last]
    if action == "remove":
        del holder[last]
    elif action == "again" and isinstance(holder, list):
        holder.append(value)
    elif action == "negate" and isinstance(value, int | float):
        holder[last] = -value
    else:
        holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))


def as_json(document: Any) -> bytes:
    """As JSON, with NaN and Infinity as Python writes them, and lone surrogates as escapes."""
    return json.dumps(document).encode()


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """The bytes with a few of them cut out, put in or replaced."""
    made = bytearray(text)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(made)))
        end = min(len(made), begin + draw(st.integers(0, 3)))
        made[begin:end] = draw(
            st.sampled_from([b"", b"\0", b"\xff", b'"', b"\\", b"[" * 2_000, b"9" * 400, b"-", b"\n"])
        )
    return bytes(made)
