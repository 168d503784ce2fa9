"""The list of all objects: complete but for tuples, and harmless to whoever is making a tuple."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from profiling.process.tracked import Tracked, tracked_objects, tracked_without_sampler
from profiling.samples import sampler

LISTINGS = [
    pytest.param(
        tracked_objects,
        marks=pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason())),
    ),
    tracked_without_sampler,
]
Listing = Callable[[], Tracked]


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("listing", LISTINGS)
def test_all_objects_are_listed_and_tuples_are_counted(listing: Listing) -> None:
    kept: list[tuple[list[int], dict[int, list[int]]]] = [([number], {number: []}) for number in range(2_000)]
    ours = {id(part) for pair in kept for part in pair}
    found = listing()
    assert ours <= {id(obj) for obj in found.objects}
    assert not any(type(obj) is tuple for obj in found.objects)
    tuples = [obj for obj in gc.get_objects() if type(obj) is tuple]
    assert found.tuples == pytest.approx(len(tuples), abs=100)
    assert found.tuples_bytes == pytest.approx(sum(map(sys.getsizeof, tuples)), rel=0.02)


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("listing", LISTINGS)
def test_a_tuple_that_is_being_made_can_still_be_resized(listing: Listing) -> None:
    found: list[Tracked] = []

    def items() -> Iterator[list[int]]:
        for number in range(100):
            found.append(listing())
            yield [number]

    assert len(tuple(items())) == 100
    assert len(found) == 100


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("listing", LISTINGS)
def test_threads_that_make_tuples_are_not_disturbed(listing: Listing) -> None:
    errors: list[BaseException] = []
    is_over = threading.Event()

    def make_tuples() -> None:
        try:
            while not is_over.is_set():
                tuple([number] for number in range(50))
        except BaseException as error:
            errors.append(error)

    makers = [threading.Thread(target=make_tuples) for _ in range(2)]
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for maker in makers:
            maker.start()
        for _ in range(20):
            listing()
    finally:
        is_over.set()
        for maker in makers:
            maker.join()
        sys.setswitchinterval(interval_s)
    assert errors == []
