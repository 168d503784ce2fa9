"""The objects that Python holds: types by count, large objects, the collector's counters.

The walk happens in this process, because it touches every reference count, which would double the memory of a forked
child. It visits the objects that the collector tracks and the objects that they refer to, because the collector does
not track bytes, text and NumPy arrays. It does not see objects that only a running function or a C library holds. All
tuples are counted, but those that no object refers to are not searched.
"""

from __future__ import annotations

import asyncio
import gc
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from profiling.errors import WalkInProgress
from profiling.forks import Turn
from profiling.process.safe_inspect import TypeStats, VisitMode, iterators_of, owner_of, referents_of, shape
from profiling.process.tracked import Tracked, tracked_objects
from profiling.records import GcStats, LargeObject, ObjectReport, TypeCount
from profiling.units import MB

LARGE_BYTES = MB  # larger objects are listed
TOP_TYPES = 20
SLICE_S = 0.005  # half of what may block the loop, because a step or a collection may be added

STEP_REFERENTS = 2_000  # visited in one step, about 0.2 ms
WHOLE_REFERENTS = 100_000  # fetched in one call, about 1 ms and 0.8 MB
_OBJECT_WEIGHT = 10  # counting an object costs as much as visiting so many referents
_POINTER_BYTES = 8
_RECENT_SLOTS = 1 << 16  # 512 KB

Clock = Callable[[], float]
_turn = Turn()


async def walk(clock: Clock = time.perf_counter) -> ObjectReport:
    """Visit every object once, yielding to the loop every few milliseconds.

    Objects that are alive at the start stay alive until they have been visited. Raises WalkInProgress while another
    walk is in progress in any thread.
    """
    if not _turn.take():
        raise WalkInProgress
    objects: list[object] = []
    try:
        started_s = clock()
        # A C call that cannot be divided: 8 ms for 300 000 objects, 15 to 37 ms for a million. It comes first, so that
        # the list contains nothing of the walk itself.
        tracked = tracked_objects()
        stall_s = clock() - started_s
        await asyncio.sleep(0)
        objects = tracked.objects
        gc_stats = _gc_stats(len(objects) + tracked.tuples)
        looking = Walk()
        looking.count_tuples(tracked)
        for held_s in slices(looking.steps(objects), clock):
            stall_s = max(stall_s, held_s)
            await asyncio.sleep(0)
        return looking.report(gc_stats, duration_s=clock() - started_s, stall_s=stall_s)
    finally:
        objects.clear()  # the traceback of a cancelled walk would keep them alive
        _turn.give_back()


def slices(steps: Iterable[None], clock: Clock) -> Iterator[float]:
    """Run the steps, pausing whenever SLICE_S has passed; yield the seconds between pauses."""
    began_s = clock()
    for _ in steps:
        held_s = clock() - began_s
        if held_s >= SLICE_S:
            yield held_s
            began_s = clock()
    yield clock() - began_s


def _gc_stats(tracked_objects: int) -> GcStats:
    young, middle, old = (generation["collections"] for generation in gc.get_stats())
    return GcStats(collections=(young, middle, old), threshold=gc.get_threshold(), tracked_objects=tracked_objects)


class Walk:
    """One walk: the counts so far, and the objects that are still to be searched."""

    def __init__(self) -> None:
        self._kinds: dict[int, TypeStats] = {}  # keyed by the id of the type, because a metaclass may define __hash__
        self._skipped: set[int] = set()  # ids of the types whose objects are not visited
        self._large: list[LargeObject] = []
        self._large_ids: set[int] = set()
        self._small: list[Any] = []  # tuples and untracked dicts, searched together
        self._big: list[object] = []  # large containers, searched one by one
        # The last tuples and untracked dicts seen. Without them, tuples that share tuples would be searched for ever.
        # A set of all might be as large as the heap.
        self._recent = array("Q", bytes(_POINTER_BYTES * _RECENT_SLOTS))
        self.not_searched = gc.get_freeze_count()  # objects frozen by gc.freeze, which are in no list of the collector

    def count_tuples(self, tracked: Tracked) -> None:
        """Add tuples that are not among the objects to be visited. Those that an object refers to are searched."""
        kind = self._kinds.get(id(tuple)) or self._learn(tuple)
        kind.count += tracked.tuples
        kind.size_bytes += tracked.tuples_bytes

    def steps(self, objects: list[object]) -> Iterator[None]:
        """Visit all objects, removing each from the list so that it can be freed; pause after each step, under 1 ms."""
        try:
            while objects:
                self._look(gc.get_referents(*self._counted(objects)))
                yield
                while self._small or self._big:
                    if self._big:
                        yield from self._search_big(self._big.pop())
                    else:
                        self._look(gc.get_referents(*self._some_small()))
                        yield
        finally:
            self._small.clear()
            self._big.clear()

    def report(self, gc_stats: GcStats, *, duration_s: float, stall_s: float) -> ObjectReport:
        """Return the result of the walk. The counted objects are those that the collector tracks."""
        kinds = sorted((kind for kind in self._kinds.values() if kind.count), key=lambda kind: (-kind.count, kind.name))
        return ObjectReport(
            top_types=tuple(
                TypeCount(type=kind.name, count=kind.count, avg_size_bytes=kind.size_bytes / kind.count)
                for kind in kinds[:TOP_TYPES]
            ),
            large_objects=tuple(sorted(self._large, key=lambda large: -large.size_bytes)),
            gc_stats=gc_stats,
            not_searched=self.not_searched,
            duration_s=duration_s,
            stall_s=stall_s,
        )

    def _counted(self, objects: list[object]) -> list[object]:
        """Remove and count objects until their referents fill a step, and return them; large objects are put aside."""
        batch: list[object] = []
        weight = 0
        while objects and weight < STEP_REFERENTS:
            obj = objects.pop()
            kind = self._kinds.get(id(type(obj))) or self._learn(type(obj))
            size_bytes = kind.measure(obj)
            kind.count += 1
            kind.size_bytes += size_bytes
            weight += _OBJECT_WEIGHT
            if size_bytes > LARGE_BYTES:
                self._note(obj, kind, size_bytes)
            if kind.mode is VisitMode.ARRAY:  # an instance of a subclass; plain arrays are not tracked
                self._look([obj])
            if kind.skip_referents:
                continue
            if size_bytes > STEP_REFERENTS * _POINTER_BYTES:
                self._big.append(obj)
            else:
                batch.append(obj)
                weight += size_bytes // _POINTER_BYTES
        return batch

    def _learn(self, cls: type) -> TypeStats:
        kind = self._kinds[id(cls)] = TypeStats(cls)
        if kind.mode is VisitMode.SKIP:
            self._skipped.add(id(cls))
        return kind

    def _look(self, referents: list[object]) -> None:
        """Note large objects among the unlisted ones, and put tuples and untracked dicts aside to be searched later."""
        for referent in referents:
            if id(type(referent)) in self._skipped:
                continue
            obj = referent
            kind = self._kinds.get(id(type(obj))) or self._learn(type(obj))
            if kind.mode is VisitMode.ARRAY:
                obj = owner_of(obj)
                kind = self._kinds.get(id(type(obj))) or self._learn(type(obj))
            if kind.mode is VisitMode.SKIP or (kind.mode is VisitMode.CONTAINER and not self._is_new_and_unlisted(obj)):
                continue
            size_bytes = kind.measure(obj)
            if size_bytes > LARGE_BYTES:
                self._note(obj, kind, size_bytes)
            if kind.mode is VisitMode.CONTAINER:
                is_big = size_bytes > STEP_REFERENTS * _POINTER_BYTES
                (self._big if is_big else self._small).append(obj)

    def _is_new_and_unlisted(self, container: object) -> bool:
        if type(container) is not tuple and gc.is_tracked(container):
            return False
        slot = (id(container) >> 4) % _RECENT_SLOTS
        is_new = self._recent[slot] != id(container)
        self._recent[slot] = id(container)
        return is_new

    def _note(self, obj: object, kind: TypeStats, size_bytes: int) -> None:
        if id(obj) not in self._large_ids:
            self._large_ids.add(id(obj))
            self._large.append(LargeObject(type=kind.name, size_bytes=size_bytes, repr=shape(obj)))

    def _some_small(self) -> list[object]:
        batch: list[object] = []
        weight = 0
        while self._small and weight < STEP_REFERENTS:
            container = self._small.pop()
            batch.append(container)
            weight += _OBJECT_WEIGHT + len(container)
        return batch

    def _search_big(self, obj: object) -> Iterator[None]:
        """Visit what a large object refers to, piece by piece; leave out what is too much to fetch at once."""
        if iterators := iterators_of(obj):
            for iterator in iterators:
                yield from self._search_piecewise(iterator)
        elif referents_of(obj) > WHOLE_REFERENTS:
            self.not_searched += 1
        else:
            referents = gc.get_referents(obj)
            while referents:
                self._look(referents[-STEP_REFERENTS:])
                del referents[-STEP_REFERENTS:]
                yield

    def _search_piecewise(self, objects: Iterator[object]) -> Iterator[None]:
        while True:
            try:
                piece = list(islice(objects, STEP_REFERENTS))
            except RuntimeError:  # the container has changed since the last piece
                self.not_searched += 1
                return
            if not piece:
                return
            self._look(piece)
            yield
