"""What an object holds, by the samples in it: every block of a store's items, and nothing of what it only refers to."""

from __future__ import annotations

import gc
import itertools
import threading
import types
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from profiling.samples import sampler

Start = Callable[..., None]

EVERY_BLOCK = 1  # byte: practically each block is a sample


class Slotted:
    __slots__ = ("number", "text")

    def __init__(self, number: int) -> None:
        self.number = number + 1_000_000
        self.text = f"text {number}" * 10


class Plain:
    def __init__(self, number: int) -> None:
        self.number = number + 1_000_000
        self.text = f"text {number}" * 10
        self.itself = self


def alive(*, held_by: list[Any] | None = None) -> float:
    """Return the bytes that are alive of the job, or those of them that something holds."""
    return sum(row.size_bytes for row in sampler.births("job", held_by=held_by).rows())


def made(make: Callable[[int], object], count: int = 500) -> deque[object]:
    """Return a store of objects that the job has made; the store and the numbers are not the job's."""
    store = deque[object](maxlen=10_000)
    with sampler.labelled("job"):
        for number in range(count):
            store.append(make(number))
    return store


@pytest.mark.parametrize(
    "make",
    [
        lambda number: bytes(200),
        lambda number: bytearray(200),
        lambda number: f"text {number}" * 10,
        lambda number: (float(number), [float(number + 1)] * 10),
        lambda number: {"number": float(number), "more": {"text": str(number) * 10}},
        lambda number: {str(number + part) * 10 for part in range(20)},
        lambda number: frozenset(str(number + part) * 10 for part in range(20)),
        lambda number: np.full(1_000, number),
        lambda number: np.full((4, 250), number)[1:].T,
        Slotted,
        Plain,
    ],
    ids=[
        "bytes",
        "bytearray",
        "text",
        "tuples and lists",
        "dicts",
        "sets",
        "frozensets",
        "arrays",
        "views",
        "slots",
        "attributes",
    ],
)
def test_all_of_a_stores_items_are_found(make: Callable[[int], object], sampling: Start) -> None:
    sampling(EVERY_BLOCK)
    gc.disable()
    store = made(make)
    gc.enable()
    blocks_of_a_deque = 500 // 64 * 528 + 528
    assert alive(held_by=[store]) >= 0.99 * (alive() - blocks_of_a_deque)
    assert alive(held_by=[store]) <= alive()


def test_what_is_beside_a_store_is_not_held_by_it(sampling: Start) -> None:
    sampling(EVERY_BLOCK)
    beside = made(lambda _: bytes(300))
    store = made(lambda _: bytes(100))
    held, other = alive(held_by=[store]), alive(held_by=[beside])
    assert other == pytest.approx(500 * 333, rel=0.05)
    assert held == pytest.approx(500 * 133, rel=0.05)
    assert alive(held_by=[store, beside, store]) == pytest.approx(held + other, rel=0.01)
    assert alive(held_by=[]) == 0


def test_what_many_items_share_is_no_ones_own(sampling: Start) -> None:
    sampling(EVERY_BLOCK)
    service = made(lambda _: bytes(1_000))
    store = made(lambda number: (service, float(number)))
    assert alive(held_by=[store]) < 100_000 < alive(held_by=[service])


def test_code_leads_nowhere(sampling: Start) -> None:
    sampling(EVERY_BLOCK)
    kept = made(lambda _: bytes(1_000))
    module = types.ModuleType("kept")
    module.kept = kept  # type: ignore[attr-defined]

    class Keeping:
        everything = kept

        def method(self) -> object:
            return kept

    with sampler.labelled("job"):
        items = [module, Keeping, Keeping.method, kept.append, Keeping()]
    assert alive(held_by=[deque(items)]) < 1_000


def test_store_that_is_too_large_is_looked_into_in_part(sampling: Start) -> None:
    sampling(4_096)
    store = deque[object]()
    with sampler.labelled("job"):
        for number in range(40_000):
            store.append((float(number), [float(number)]))
    table = sampler.births("job", held_by=[store])
    assert 0.1 < table.share < 0.3
    held = sum(row.size_bytes for row in table.rows())
    assert held / table.share == pytest.approx(alive(), rel=0.25)


def test_objects_of_every_kind_may_be_held(sampling: Start) -> None:
    sampling(512)
    generator = (number for number in itertools.count())
    next(generator)
    lock, local = threading.Lock(), threading.local()
    cycle: list[object] = []
    cycle.append(cycle)
    nested: object = ()
    for _ in range(10_000):
        nested = (nested,)
    store = [generator, lock, local, cycle, nested, None, memoryview(b"bytes"), types.MappingProxyType({})]
    with sampler.labelled("job"):
        store.append(bytes(100_000))
    assert alive(held_by=[store]) >= 100_000
    assert 0 < sampler.births("job", held_by=[gc.get_objects()]).share <= 1


@pytest.mark.parametrize("wrong", [(), "text", 1])
def test_holders_are_a_list(wrong: Any) -> None:
    if sampler.unavailable_reason() is None:
        with pytest.raises(TypeError, match="the holders are a list or None"):
            sampler.births("job", held_by=wrong)


def test_objects_are_told_by_their_exact_type(sampling: Start) -> None:
    class Hostile(type):
        def __hash__(cls) -> int:
            raise AssertionError("it was asked for its hash")

        def __eq__(cls, other: object) -> bool:
            raise AssertionError("it was compared")

    class Odd(metaclass=Hostile):
        pass

    objects: list[Any] = [1, "a", Odd(), 2, deque(), "b", True, Odd()]
    assert [id(found) for found in sampler.one_of_each_type(objects)] == [
        id(objects[index]) for index in (0, 1, 2, 4, 6)
    ]
    assert sampler.of_types(objects, (int, deque)) == [1, 2, objects[4]]
    assert len(sampler.of_types(objects, (Odd,))) == 2
    assert sampler.of_types(objects, ()) == []
    assert sampler.of_types([], (int,)) == []
