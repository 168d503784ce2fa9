"""Find the stores that know their own limit and hold a job's survivors.

Such stores are few. So the search begins with them, among all objects that the collector tracks, and looks up which
samples lie in the objects that each store holds. No code of the program runs.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from profiling.process.contents import Contents, bounds_at
from profiling.process.full_collections import BudgetedCollector
from profiling.process.stores import Holder, Reader, reader_of
from profiling.process.tracked import tracked_objects
from profiling.samples import sampler
from profiling.stopwatch import Budget
from profiling.verdict.bounds import GOOD_FOR_RUNS, MAX_AWAITED, Reading, reading_after
from profiling.verdict.evidence import Evidence

MAX_WALK_TIME_SHARE = 0.005  # highest share of the time
INITIAL_WALK_BUDGET_S = 0.1  # budget beyond that share; there is also one search for each accusation
MIN_ITEMS = 8  # a store with fewer items is not one that fills up
MAX_HOLDERS = 64  # stores that are looked into, the largest first
MAX_KNOWN = 1_024  # stores that are remembered, 150 bytes each; a large program has some hundred


class Holders:
    """Finds the bounds at a job's lines within a time budget; a test has no budget.

    In a small heap, each look searches all objects for stores. In a large heap, where that would block the caller for
    long, a look reads the stores that are known from the last search.
    """

    def __init__(self, collector: BudgetedCollector, *, is_bounded: bool = True) -> None:
        self._collector = collector
        self._is_bounded = is_bounded
        self._budget = Budget(MAX_WALK_TIME_SHARE, at_once_s=INITIAL_WALK_BUDGET_S)
        self._known: list[tuple[weakref.ref[Any], Reader]] = []  # of the last search
        self._has_searched = False
        self._contents = Contents()

    def read(self, job: str, evidence: Evidence, *, is_urgent: bool) -> Reading:
        """Return the bounds of the stores that hold what is alive at the job's lines.

        - If the time budget is used up, return the previous result, unless the look is urgent because an accusation
          waits for its result.
        - If all objects are frozen for a run, wait for some runs, because the collector then lists none.
        - If there is no time to look into all stores at once, the next looks go on with the rest.
        """
        if self._collector.is_freezing:
            return replace(evidence.reading, awaited=evidence.reading.awaited + 1)
        if self._is_bounded and not (is_urgent or self._budget.is_left):
            return evidence.reading
        is_search = self._may_search(is_urgent=is_urgent)
        with self._budget.spend():
            holders = self._search() if is_search else self._read_known()
            # Later than the previous look, because a store that fills up has more items at each look.
            since, now = max(evidence.reading.birth + 1, evidence.ended[-GOOD_FOR_RUNS:][0]), evidence.ended[-1]
            contents, are_all = self._contents.look_into(holders, since=since, now=now)
        if not are_all and evidence.reading.awaited < MAX_AWAITED:
            return replace(evidence.reading, awaited=evidence.reading.awaited + 1)
        return reading_after(evidence.reading, now, bounds_at(job, evidence.lines, contents))

    def _may_search(self, *, is_urgent: bool) -> bool:
        if not self._is_bounded or not self._collector.takes_long:
            return True
        return self._budget.is_left and (is_urgent or not self._has_searched)

    def _search(self) -> list[Holder]:
        """Search all objects for stores, and remember those to which a weak reference can be made."""
        stores = find_stores()
        self._known = [(known, read) for obj, read in stores if (known := _reference_to(obj))][:MAX_KNOWN]
        self._has_searched = True
        return holders_of(stores)

    def _read_known(self) -> list[Holder]:
        return holders_of([(obj, read) for known, read in self._known if (obj := known()) is not None])


def _reference_to(obj: Any) -> weakref.ref[Any] | None:
    """Return a weak reference, or None if the object's type has none."""
    try:
        return weakref.ref(obj)
    except TypeError:
        return None


Store = tuple[Any, Reader]
"""An object that knows its limit, and the reader for its type."""


def find_stores() -> list[Store]:
    """Return all objects that know their limit."""
    objects = tracked_objects().objects
    try:
        of_type = [(type(obj), read) for obj in sampler.one_of_each_type(objects) if (read := reader_of(obj))]
        # Compared by identity, because a metaclass may define __hash__.
        readers = {id(cls): read for cls, read in of_type}
        return [(obj, readers[id(type(obj))]) for obj in sampler.of_types(objects, tuple(cls for cls, _ in of_type))]
    finally:
        objects.clear()


def holders_of(stores: Iterable[Store]) -> list[Holder]:
    """Return what the largest stores hold, the one with the most items first."""
    found = (read(obj) for obj, read in stores)
    large = [holder for holder in found if holder is not None and holder.items >= MIN_ITEMS]
    return sorted(large, key=lambda holder: -holder.items)[:MAX_HOLDERS]
