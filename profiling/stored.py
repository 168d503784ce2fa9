"""Records to JSON text and back, whole: for a store that outlives the process. `render.json` is for people's tools."""

from __future__ import annotations

import json
import math
import types
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from profiling.errors import BadRecord
from profiling.records import SiteKey, SiteTable

Record = TypeVar("Record")


def dumps(record: object) -> str:
    """A record as JSON text, with the names of its fields."""
    return json.dumps(_to_plain(record), separators=(",", ":"), allow_nan=False)


def loads(kind: type[Record], text: str) -> Record:
    """The record of that kind which `dumps` has written. Raises BadRecord for text that is none."""
    try:
        return _from_plain(kind, json.loads(text))  # type: ignore[no-any-return]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise BadRecord(kind.__name__, f"{type(error).__name__}: {error}") from error


def _to_plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, array):
        return value.tolist()
    if isinstance(value, tuple):
        return [_to_plain(entry) for entry in value]
    return value


def _from_plain(kind: Any, plain: Any) -> Any:
    if get_origin(kind) in {Union, types.UnionType}:
        (kind,) = [option for option in get_args(kind) if option is not type(None)]
        return None if plain is None else _from_plain(kind, plain)
    if kind is SiteTable:
        return _site_table(**plain)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: _from_plain(hint, plain[name]) for name, hint in _hints(kind).items()})
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), plain)
    if kind is datetime:
        return datetime.fromisoformat(plain)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(plain)
    return _checked(kind, plain)


def _site_table(
    *, keys: list[tuple[str, int]], sizes: list[int], counts: list[int], errors: list[float] | None
) -> SiteTable:
    if not len(keys) == len(sizes) == len(counts) == len(keys if errors is None else errors):
        raise ValueError("columns of different lengths")
    return SiteTable(
        keys=_from_plain(tuple[SiteKey, ...], keys),
        sizes=array("q", _from_plain(tuple[int, ...], sizes)),
        counts=array("q", _from_plain(tuple[int, ...], counts)),
        errors=None if errors is None else array("d", _from_plain(tuple[float, ...], errors)),
    )


def _tuple(kinds: Sequence[Any], plain: Sequence[Any]) -> tuple[Any, ...]:
    if type(plain) is not list:
        raise TypeError(f"{plain!r} is no list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_from_plain(kinds[0], entry) for entry in plain)
    return tuple(_from_plain(kind, entry) for kind, entry in zip(kinds, plain, strict=True))


def _checked(kind: type, plain: Any) -> Any:
    """A finite number, a text or a truth value; a whole number does for a float."""
    if kind is float and type(plain) is int:
        return float(plain)
    if type(plain) is not kind:
        raise TypeError(f"{plain!r} is no {kind.__name__}")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"{plain!r} is not finite")
    return plain


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
