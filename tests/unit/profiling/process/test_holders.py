"""Objects that know their own limit: which are found, how it is read, and when nobody looks."""

from __future__ import annotations

import asyncio
import functools
import math
import sys
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from profiling.process import contents, full_collections, holders
from profiling.process.full_collections import BudgetedCollector
from profiling.process.holders import Holders, find_stores, holders_of
from profiling.process.safe_inspect import Attributes, type_name
from profiling.process.stores import Holder
from profiling.records import Bound
from profiling.samples import sampler
from profiling.samples.estimates import lines_by_birth
from profiling.stopwatch import Budget
from profiling.verdict.evidence import Evidence, LineEvidence
from profiling.verdict.survivors import Alive

pytestmark = [
    pytest.mark.skipif(sampler.unavailable_reason() is not None, reason=f"no samples: {sampler.unavailable_reason()}"),
    pytest.mark.usefixtures("small_heap"),
]

ITEMS = dict.fromkeys(range(20), "text")
A = ("a.py", 1)


def found(obj: object) -> Holder | None:
    """Return what is found of an object: the holder with its type's name, or the one that the object itself is of."""
    kind = type_name(type(obj))
    return next(
        (holder for holder in holders_of(find_stores()) if holder.bound.kind == kind or holder.roots[0] is obj), None
    )


def bound_of(obj: object) -> Bound | None:
    holder = found(obj)
    return holder.bound if holder else None


def stored_under(obj: object, name: str) -> object:
    attributes = Attributes(type(obj))
    found = (attributes.stored(obj, key) for key in attributes.keys(name))
    return next((value for value in found if value is not None), None)


class WithMaxsize:
    def __init__(self, maxsize: object = 100) -> None:
        self.maxsize = maxsize
        self.items: dict[int, object] = dict(ITEMS)


class WithCapacity:
    def __init__(self) -> None:
        self._capacity = 100
        self._order = OrderedDict(ITEMS)
        self._more = [1, 2, 3]


class OfItsClass:
    max_size = 100

    def __init__(self) -> None:
        self.items = list(ITEMS)


class Hidden:
    def __init__(self) -> None:
        self.__maxsize = 100
        self.__items = dict(ITEMS)

    @property
    def maxsize(self) -> int:
        raise AssertionError("the program's code was run")

    def __getattr__(self, name: str) -> object:
        raise AssertionError("the program's code was run")


class Derived(Hidden):
    pass


class Limited(OrderedDict[int, str]):
    maxlen = 100


def test_deque_knows_its_maxlen() -> None:
    ring = deque(ITEMS, maxlen=100)
    assert found(ring) == Holder(Bound(kind="deque", items=20, max_items=100), 20, [ring])
    unbounded = deque(ITEMS)
    assert found(unbounded) is None


def test_lru_cache_knows_its_maxsize() -> None:
    cached, plain = functools.lru_cache(100)(str), functools.cache(repr)
    for number in range(20):
        cached(number)
        plain(number)
    holder = found(cached)
    assert holder is not None
    assert holder.bound == Bound(kind="functools.lru_cache", items=20, max_items=100)
    assert [type(root) for root in holder.roots] == [type(cached), dict]
    assert found(plain) is None


@pytest.mark.parametrize("cls", [WithMaxsize, WithCapacity, OfItsClass, Hidden, Derived])
def test_object_knows_its_limit_beside_what_it_holds(cls: type) -> None:
    store = cls()
    assert bound_of(store) == Bound(kind=f"{__name__}.{cls.__name__}", items=20, max_items=100)
    holder = found(store)
    assert holder is not None
    assert [len(root) for root in holder.roots] == [20]


def test_object_whose_attributes_are_in_a_dict_is_read_too() -> None:
    store = WithMaxsize()
    assert vars(store)["maxsize"] == 100  # asked for, it is made
    assert bound_of(store) == Bound(kind=f"{__name__}.WithMaxsize", items=20, max_items=100)


def test_items_that_look_like_the_limit_are_no_attributes() -> None:
    store = WithMaxsize()
    store.items = {number: 100 if number else list(range(500)) for number in range(20)}
    holder = found(store)
    assert holder is not None
    assert (holder.items, holder.roots) == (20, [store.items])


def test_types_are_told_apart_without_their_hash() -> None:
    class Hostile(type):
        def __hash__(cls) -> int:
            raise AssertionError("the program's code was run")

    class Store(WithMaxsize, metaclass=Hostile):
        pass

    store = Store()
    assert bound_of(store) == Bound(kind=type_name(Store), items=20, max_items=100)


def test_dict_with_a_limit_is_a_store_itself() -> None:
    store = Limited(ITEMS)
    holder = found(store)
    assert holder is not None
    assert holder.bound == Bound(kind=f"{__name__}.Limited", items=20, max_items=100)
    assert holder.roots[0] is store


async def test_queue_is_found_by_its_maxsize() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=100)
    for number in range(20):
        queue.put_nowait(number)
    assert bound_of(queue) == Bound(kind="asyncio.queues.Queue", items=20, max_items=100)


@pytest.mark.parametrize("limit", [0, -1, sys.maxsize, None, "100", 100.0, True])
def test_what_is_no_limit_bounds_nothing(limit: object) -> None:
    store = WithMaxsize(limit)
    assert found(store) is None


def test_small_store_is_none_that_fills_up() -> None:
    small, large = (deque(range(count), maxlen=100) for count in (holders.MIN_ITEMS - 1, holders.MIN_ITEMS))
    assert (found(small), found(large) is not None) == (None, True)


def test_largest_stores_come_first_and_no_more_than_64() -> None:
    rings = [deque(range(count), maxlen=1_000) for count in range(100, 200)]
    assert [holder.items for holder in holders_of(find_stores())] == list(range(199, 199 - holders.MAX_HOLDERS, -1))
    del rings


def test_cachetools_know_their_limit() -> None:
    cachetools = pytest.importorskip("cachetools", reason="cachetools is not installed")
    by_count, by_size = cachetools.LRUCache(100), cachetools.LRUCache(1_000, getsizeof=len)
    by_count.update(ITEMS)
    by_size.update(ITEMS)
    bounds = [holder.bound for holder in holders_of(find_stores()) if holder.bound.kind == "cachetools.LRUCache"]
    assert sorted((bound.items, bound.max_items) for bound in bounds) == [(20, 100), (80, 1_000)]


def test_sqlalchemys_cache_knows_its_capacity() -> None:
    collections = pytest.importorskip("sqlalchemy.util", reason="SQLAlchemy is not installed")
    cache = collections.LRUCache(100)
    for number, text in ITEMS.items():
        cache[number] = text
    (holder,) = [holder for holder in holders_of(find_stores()) if holder.bound.kind.endswith("LRUCache")]
    assert (holder.bound.items, holder.bound.max_items) == (20, 100)


@pytest.mark.parametrize(
    ("cls", "name", "stored"),
    [
        (WithMaxsize, "maxsize", 100),
        (WithCapacity, "capacity", 100),
        (Derived, "maxsize", 100),
        (OfItsClass, "max_size", 100),
        (Hidden, "capacity", None),
        (object, "maxsize", None),
        (int, "maxsize", None),
    ],
)
def test_what_is_stored_is_read_without_running_code(cls: type, name: str, stored: object) -> None:
    assert stored_under(cls(), name) == stored


def test_slot_that_is_empty_stores_nothing() -> None:
    class Slotted:
        __slots__ = ("maxsize",)

    slotted: Any = Slotted()
    assert stored_under(slotted, "maxsize") is None
    slotted.maxsize = 5
    assert stored_under(slotted, "maxsize") == 5


# ---- when nobody looks ----


@pytest.fixture
def sampling(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", math.inf)  # a process of many tests has more than a service
    monkeypatch.setattr(contents, "MAX_WALKS_S", math.inf)
    sampler.start(1)
    yield
    sampler.stop()


def growing(job: str = "job") -> tuple[deque[bytes], Evidence]:
    """Return a store that a job fills, and the evidence of that job."""
    ring = deque[bytes](maxlen=100)
    with sampler.labelled(job):
        ring.extend([bytes(1_000) for _ in range(50)])
    (site,) = lines_by_birth(sampler.births(job))
    line = LineEvidence({1: Alive(50, 51_650.0, 0.0, 0.0)})
    return ring, Evidence(ended=[1], settled=[1], closed=frozenset(), lines={site: line})


@pytest.mark.usefixtures("sampling")
def test_store_is_read_at_the_line_whose_survivors_it_holds() -> None:
    ring, evidence = growing()
    reading = Holders(BudgetedCollector()).read("job", evidence, is_urgent=False)
    assert dict(reading.bounds) == {site: Bound(kind="deque", items=50, max_items=100) for site in evidence.lines}
    assert (reading.birth, reading.is_awaited, set(reading.excused)) == (1, False, set(evidence.lines))
    del ring


@pytest.mark.usefixtures("sampling")
def test_store_that_holds_less_than_three_quarters_of_a_line_explains_nothing() -> None:
    ring, evidence = growing()
    (site,) = evidence.lines
    evidence = replace(
        evidence, lines={site: LineEvidence({1: Alive(50, 51_650.0 / contents.MIN_SHARE * 1.1, 0.0, 0.0)})}
    )
    reading = Holders(BudgetedCollector()).read("job", evidence, is_urgent=False)
    assert (dict(reading.bounds), reading.is_awaited) == ({}, False)
    del ring


@pytest.mark.usefixtures("sampling")
def test_look_is_awaited_while_a_run_has_all_frozen() -> None:
    ring, evidence = growing()
    collector = BudgetedCollector()
    collector._frozen_for = object()
    assert Holders(collector).read("job", evidence, is_urgent=False).is_awaited
    collector._frozen_for = None
    assert not Holders(collector).read("job", evidence, is_urgent=False).is_awaited
    del ring


@pytest.mark.usefixtures("sampling")
@pytest.mark.parametrize(
    ("is_bounded", "is_urgent", "looks"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_earlier_reading_stands_while_no_time_is_left(is_bounded: bool, is_urgent: bool, looks: bool) -> None:
    ring, evidence = growing()
    poor = Holders(BudgetedCollector(), is_bounded=is_bounded)
    poor._budget = Budget(0.0, at_once_s=-1.0)
    reading = poor.read("job", evidence, is_urgent=is_urgent)
    assert (reading != evidence.reading, bool(reading.bounds)) == (looks, looks)
    del ring


@pytest.mark.usefixtures("sampling")
def test_large_heap_is_searched_once_and_then_only_before_an_accusation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 0.0)
    first, evidence = growing()
    looks = Holders(BudgetedCollector())
    looks._budget = Budget(0.0, at_once_s=math.inf)
    assert looks.read("job", evidence, is_urgent=False).bounds
    later, evidence = growing("another job")  # in a store that the search has not seen
    assert not looks.read("another job", evidence, is_urgent=False).bounds
    assert looks.read("another job", evidence, is_urgent=True).bounds
    del first, later


@pytest.mark.usefixtures("sampling")
def test_known_stores_of_a_large_heap_are_read_anew_and_not_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 0.0)
    ring, evidence = growing()
    (site,) = evidence.lines
    looks = Holders(BudgetedCollector())
    looks._budget = Budget(0.0, at_once_s=math.inf)
    looks.read("job", evidence, is_urgent=False)
    ring.append(b"")
    later = replace(evidence, ended=[2, 3, 4])
    assert looks.read("job", later, is_urgent=False).bounds[site].items == 51
    del ring
    assert not looks.read("job", later, is_urgent=False).bounds


@pytest.mark.usefixtures("sampling")
def test_no_large_heap_is_searched_while_no_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 0.0)
    ring, evidence = growing()
    poor = Holders(BudgetedCollector())
    poor._budget = Budget(0.0, at_once_s=-1.0)
    assert not poor.read("job", evidence, is_urgent=True).bounds
    assert Holders(BudgetedCollector(), is_bounded=False).read("job", evidence, is_urgent=False).bounds
    del ring


@pytest.mark.usefixtures("sampling")
def test_look_that_has_no_time_for_all_stores_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_WALKS_S", -1.0)
    ring, evidence = growing()
    looks = Holders(BudgetedCollector())
    reading = looks.read("job", evidence, is_urgent=True)
    assert (dict(reading.bounds), reading.awaited) == ({}, 1)
    monkeypatch.setattr(contents, "MAX_WALKS_S", math.inf)
    reading = looks.read("job", replace(evidence, reading=reading), is_urgent=True)
    assert (len(reading.bounds), reading.awaited) == (1, 0)
    del ring


@pytest.mark.usefixtures("sampling")
def test_look_into_a_store_counts_for_all_jobs_for_a_few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    first, evidence = growing()
    other, others_evidence = growing("another job")
    looks = Holders(BudgetedCollector())
    (bound,) = looks.read("job", evidence, is_urgent=False).bounds.values()
    first.append(b"")
    monkeypatch.setattr(contents, "MAX_WALKS_S", -1.0)  # nothing is looked into anew
    assert looks.read("another job", others_evidence, is_urgent=False).bounds
    assert list(looks.read("job", evidence, is_urgent=False).bounds.values()) == [bound]
    later = replace(evidence, ended=[2, 3, 4])
    assert looks.read("job", later, is_urgent=False).is_awaited
    monkeypatch.setattr(contents, "MAX_WALKS_S", math.inf)
    (bound,) = looks.read("job", later, is_urgent=False).bounds.values()
    assert bound.items == 51
    del first, other
