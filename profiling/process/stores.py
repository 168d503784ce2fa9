"""How to read a store that knows its own limit: a deque with a maxlen, an lru_cache, an object with a maxsize.

No code of the program runs: limits are read as they are stored.
"""

from __future__ import annotations

import functools
import gc
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from profiling.process.safe_inspect import Attributes, is_lru_cache, is_of_a_class, lru_cache_extent, type_name
from profiling.records import Bound

# also with an underscore, or as the private name behind a property
LIMITS = ("maxsize", "max_size", "maxlen", "capacity")
USED = "currsize"  # an attribute beside such a limit, in the same unit
_MAX_LIMIT = 1 << 48  # a larger limit, like sys.maxsize, counts as none
_CONTAINERS = (dict, list, set, deque)


@dataclass(frozen=True, slots=True)
class Holder:
    """A store that knows its own limit, with what it holds now."""

    bound: Bound
    items: int  # the number of items that it holds; a bound may be in another unit
    roots: list[Any]  # the containers of the items


Reader = Callable[[Any], Holder | None]
"""Return what a store holds, or None if it has no limit after all."""


def reader_of(obj: Any) -> Reader | None:
    """Return a reader for the limits of this type's objects, or None if this object has no limit."""
    cls = type(obj)
    if is_lru_cache(obj):
        return _lru_cache
    if issubclass(cls, deque):
        return _deque
    if not is_of_a_class(cls) or issubclass(cls, type):
        return None
    attributes = Attributes(cls)
    keys = (key for name in LIMITS for key in attributes.keys(name))
    limit_key = next((key for key in keys if _limit(attributes.stored(obj, key)) is not None), None)
    if limit_key is None:
        return None
    used_key = next((key for key in attributes.keys(USED) if type(attributes.stored(obj, key)) is int), None)
    return functools.partial(_object, attributes=attributes, limit_key=limit_key, used_key=used_key)


def _limit(value: object) -> int | None:
    """Return the value if it can be a limit, else None."""
    return value if type(value) is int and 0 < value <= _MAX_LIMIT else None


def _deque(obj: deque[Any]) -> Holder | None:
    limit, items = _limit(vars(deque)["maxlen"].__get__(obj)), deque.__len__(obj)
    return Holder(Bound(kind="deque", items=items, max_items=limit), items, [obj]) if limit else None


def _lru_cache(obj: Any) -> Holder | None:
    items, limit = lru_cache_extent(obj)
    limit = _limit(limit)
    if limit is None:
        return None
    results = [held for held in gc.get_referents(obj) if type(held) is dict and len(held) == items]
    return Holder(Bound(kind="functools.lru_cache", items=items, max_items=limit), items, [obj, *results])


def _object(obj: Any, *, attributes: Attributes, limit_key: str, used_key: str | None) -> Holder | None:
    """Return a store whose items are in its longest containers: a cache may have a dict and, separately, an order."""
    limit = _limit(attributes.stored(obj, limit_key))
    if limit is None:
        return None
    containers = list(_containers_of(obj, limit_key, limit))
    items = max((length for length, _ in containers), default=0)
    roots = [container for length, container in containers if length == items]
    used = attributes.stored(obj, used_key) if used_key else None
    bound = Bound(kind=type_name(type(obj)), items=used if type(used) is int else items, max_items=limit)
    return Holder(bound, items, roots)


def _containers_of(obj: Any, limit_key: str, limit: int) -> Iterator[tuple[int, Any]]:
    """Yield the containers of an object's items, each with its length: containers that it refers to, or itself."""
    for referent in (obj, *gc.get_referents(obj)):
        if type(referent) is dict and referent.get(limit_key) is limit:  # the dict of the object's own attributes
            yield from ((length, held) for held in referent.values() if (length := _length(held)) is not None)
        elif (length := _length(referent)) is not None:
            yield length, referent


def _length(obj: Any) -> int | None:
    base = next((base for base in _CONTAINERS if issubclass(type(obj), base)), None)
    return int(base.__len__(obj)) if base is not None else None
