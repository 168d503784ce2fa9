"""Stores that know their own limit and hold a job's survivors: a deque with a maxlen, an lru_cache, a maxsize.

Such stores are few. So the search begins with them, among all objects that the collector tracks, and looks up which
samples lie in the objects that each store holds. No code of the program runs: limits are read as they are stored.
"""

from __future__ import annotations

import functools
import gc
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from profiling.process.full_collections import BudgetedCollector
from profiling.process.safe_inspect import Attributes, is_lru_cache, is_of_a_class, lru_cache_extent, type_name
from profiling.process.tracked import tracked_objects
from profiling.records import Bound, SiteKey
from profiling.samples import sampler
from profiling.samples.estimates import lines_by_birth
from profiling.stopwatch import Budget
from profiling.verdict.bounds import Reading, reading_after
from profiling.verdict.evidence import Evidence, LineEvidence

# also with an underscore, or as the private name behind a property
LIMITS = ("maxsize", "max_size", "maxlen", "capacity")
USED = "currsize"  # an attribute beside such a limit, in the same unit
MAX_WALK_TIME_SHARE = 0.005  # highest share of the time
INITIAL_WALK_BUDGET_S = 0.1  # budget beyond that share; there is also one search for each accusation
MAX_WALKS_S = 0.01  # of CPU time in one search; after that no further store is looked into
MIN_ITEMS = 8  # a store with fewer items is not one that fills up
MAX_HOLDERS = 64  # stores that are looked into, the largest first
MIN_SHARE = 0.75  # a store explains a line if it holds at least this share of what is alive there
_MAX_LIMIT = 1 << 48  # a larger limit, like sys.maxsize, counts as none
_CONTAINERS = (dict, list, set, deque)


@dataclass(frozen=True, slots=True)
class Holder:
    """A store that knows its own limit."""

    bound: Bound
    items: int  # the number of items that it holds; a bound may be in another unit
    roots: list[Any]  # the containers of the items


class Holders:
    """Finds the bounds at a job's lines within a time budget; a test has no budget."""

    def __init__(self, collector: BudgetedCollector, *, is_bounded: bool = True) -> None:
        self._collector = collector
        self._is_bounded = is_bounded
        self._budget = Budget(MAX_WALK_TIME_SHARE, at_once_s=INITIAL_WALK_BUDGET_S)

    def read(self, job: str, evidence: Evidence, *, is_urgent: bool) -> Reading:
        """Return the bounds of the stores that hold what is alive at the job's lines.

        - If the time budget is used up, return the previous result, unless the search is urgent because the job is
          about to be accused.
        - If all objects are frozen for a run, wait for some runs, because the collector then lists none.
        - In a heap that is too large, return no bounds.
        """
        if self._collector.is_freezing:
            return replace(evidence.reading, awaited=evidence.reading.awaited + 1)
        if self._is_bounded and not (is_urgent or self._budget.is_left):
            return evidence.reading
        bounds: Mapping[SiteKey, Bound] = {}
        if not self._is_bounded or not self._collector.takes_long:
            with self._budget.spend():
                bounds = bounds_of(job, evidence.lines, find_holders())
        return reading_after(evidence.reading, evidence.ended[-1], bounds)


def find_holders() -> list[Holder]:
    """Return the largest objects that know their limit, the one with the most items first."""
    objects = tracked_objects().objects
    try:
        of_type = [(type(obj), read) for obj in sampler.one_of_each_type(objects) if (read := _reader_of(obj))]
        # Compared by identity, because a metaclass may define __hash__.
        readers = {id(cls): read for cls, read in of_type}
        found = (readers[id(type(obj))](obj) for obj in sampler.of_types(objects, tuple(cls for cls, _ in of_type)))
        large = [holder for holder in found if holder is not None and holder.items >= MIN_ITEMS]
    finally:
        objects.clear()
    return sorted(large, key=lambda holder: -holder.items)[:MAX_HOLDERS]


def bounds_of(
    job: str,
    lines: Mapping[SiteKey, LineEvidence],
    holders: Iterable[Holder],
    cpu_clock: Callable[[], float] = time.thread_time,
) -> Mapping[SiteKey, Bound]:
    """Return for each line of the job the bound of the store that holds most of what is alive there.

    A store that fills up has at least one item of each run that left something in it.
    """
    began_s, bounds = cpu_clock(), dict[SiteKey, Bound]()
    for holder in holders:
        table = sampler.births(job, held_by=holder.roots)
        for site, held in lines_by_birth(table).items():
            least_bytes = MIN_SHARE * table.share * lines[site].size_bytes if site in lines else math.inf
            if held.size_bytes >= least_bytes and len(held.births) <= holder.items:
                bounds.setdefault(site, holder.bound)
        if cpu_clock() - began_s > MAX_WALKS_S:
            break
    return bounds


Reader = Callable[[Any], Holder | None]


def _reader_of(obj: Any) -> Reader | None:
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
