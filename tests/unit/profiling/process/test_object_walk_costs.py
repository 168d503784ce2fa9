"""How a walk goes: what it leaves out, how it gives way to the loop, and that it leaves no trace."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import types
import weakref
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import pytest

from profiling.errors import WalkInProgress
from profiling.process import object_walk
from profiling.process.object_walk import SLICE_S, STEP_REFERENTS, WHOLE_REFERENTS, Walk, slices, walk
from tests.unit.profiling.process.heap import MB, Held, SteppingClock, large, let_go, look_at


@pytest.mark.parametrize(
    ("make", "unite"),
    [
        (dict.fromkeys, dict.__or__),
        (Counter, Counter.__or__),
        (set, set.__or__),
        (frozenset, frozenset.__or__),
    ],
    ids=["dict", "Counter", "set", "frozenset"],
)
def test_large_dicts_and_sets_are_searched_in_pieces(make: Any, unite: Any) -> None:
    container = unite(make(range(20_000)), make((b"s" * (2 * MB),)))
    looking = Walk()
    assert sum(1 for _ in looking.steps([container])) >= 20_000 // STEP_REFERENTS
    report = look_at(container)
    assert "<bytes: 2.0 MB>" in [entry.repr for entry in report.large_objects]
    assert report.not_searched == 0


@pytest.mark.parametrize(("length", "found", "left_out"), [(WHOLE_REFERENTS, 1, 0), (WHOLE_REFERENTS + 1, 0, 1)])
@pytest.mark.parametrize(
    "make", [list, deque, lambda items: (*items[:-1], [items[-1]])], ids=["list", "deque", "tuple"]
)
def test_sequences_are_searched_up_to_a_length(make: Any, length: int, found: int, left_out: int) -> None:
    value = b"s" * (2 * MB)
    container = make([None] * (length - 1) + [value])
    tracked = [container, *(item for item in container if type(item) is list)]
    report = look_at(*tracked[:1])
    assert [entry.repr for entry in report.large_objects].count("<bytes: 2.0 MB>") == (
        found if len(tracked) == 1 else 0
    )
    assert report.not_searched == left_out


def test_a_large_lru_cache_is_left_out_and_counted() -> None:
    @functools.cache
    def same(number: int) -> int:
        return number

    for number in range(50_000):
        same(number)
    assert look_at(same).not_searched == 1


def test_a_large_buffer_that_is_tracked_is_not_taken_for_a_container() -> None:
    class Blob(bytearray): ...

    blob = Blob(4 * MB)
    report = look_at(blob)
    assert [entry.repr for entry in report.large_objects] == ["<Blob: 4.0 MB>"]
    assert report.not_searched == 0


def test_a_dict_that_changes_while_it_is_searched_is_counted_as_left_out() -> None:
    table: dict[object, object] = dict.fromkeys(range(200_000))
    looking = Walk()
    frozen = looking.not_searched
    steps = looking.steps([table])
    for _ in range(5):
        next(steps)
    table["more"] = 1
    for _ in steps:
        pass
    assert looking.not_searched - frozen == 2  # its keys from here on, and its values, which began before


def test_frozen_objects_are_counted_as_not_searched() -> None:
    before = gc.get_freeze_count()
    gc.freeze()
    assert Walk().not_searched == gc.get_freeze_count() > before


def test_a_module_is_searched_by_its_dict_alone() -> None:
    module = types.ModuleType("module")
    vars(module)["value"] = b"s" * (2 * MB)
    assert large(module) == []
    assert large(module, vars(module)) == ["<bytes: 2.0 MB>"]


@pytest.mark.usefixtures("small_heap")
def test_a_tuple_that_is_half_made_elsewhere_does_no_harm() -> None:
    searched = 0

    def numbers() -> Iterator[float]:
        nonlocal searched
        for number in range(20_000):
            yield number * 1.5
        # tuple() fills what it makes in place, and the collector lists it meanwhile: its last items are not there yet.
        for half_made in gc.get_objects():
            if type(half_made) is tuple and len(half_made) >= 20_000:
                look_at(half_made)
                searched += 1

    assert len(tuple(numbers())) == 20_000
    assert searched == 1 or sys.version_info >= (3, 14)


@pytest.mark.parametrize(
    ("slices_a_step", "ends"),
    [(0.26, [4, 8, 8]), (0.34, [3, 6, 8]), (0.99, [2, 4, 6, 8, 8]), (1.01, [*range(1, 9), 8])],
)
def test_a_slice_ends_with_the_step_that_uses_it_up(slices_a_step: float, ends: list[int]) -> None:
    done = []

    def steps() -> Iterator[None]:
        for number in range(1, 9):
            done.append(number)
            yield

    clock = SteppingClock(SLICE_S * slices_a_step)
    held_and_ends = [(held_s, done[-1]) for held_s in slices(steps(), clock)]
    assert [end for _, end in held_and_ends] == ends
    assert held_and_ends[0][0] == pytest.approx(SLICE_S * slices_a_step * ends[0])
    assert all(held_s >= SLICE_S for held_s, _ in held_and_ends[:-1])


@pytest.mark.usefixtures("small_heap")
def test_no_step_has_more_to_look_at_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = []
    look = Walk._look

    def counted(self: Walk, referents: list[object]) -> None:
        shares.append(len(referents))
        look(self, referents)

    monkeypatch.setattr(Walk, "_look", counted)
    rows = [(number, str(number)) for number in range(20_000)]
    let_go(rows[0])
    look_at(rows, list(range(50_000)), dict.fromkeys(range(50_000)), *([[]] * 40 for _ in range(1000)))
    assert sum(shares) == 3 * 20_000 + 50_000 + 2 * 50_000 + 40 * 1000
    assert max(shares) <= 2 * STEP_REFERENTS


async def test_other_tasks_go_on_while_the_walk_does() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others(), name="others")
    clock = SteppingClock(SLICE_S * 0.21)
    searched = [[number] for number in range(100_000)]
    report = await walk(clock)
    assert report.gc_stats.tracked_objects > len(searched)
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other
    # Five steps use up a slice, and the sixth look at the clock begins the next: so often the others had a turn.
    assert turns >= report.duration_s / (SLICE_S * 0.21 * 6) > 50
    assert report.stall_s == pytest.approx(SLICE_S * 1.05)
    # The walk's own list of all objects is the largest here.
    assert f"<list: {report.gc_stats.tracked_objects} items>" not in [entry.repr for entry in report.large_objects]


@pytest.mark.usefixtures("small_heap")
async def test_only_one_walk_goes_on_at_a_time() -> None:
    first = asyncio.create_task(walk(), name="first walk")
    await asyncio.sleep(0)
    with pytest.raises(WalkInProgress, match="another walk over the heap is in progress; try again when it has ended"):
        await walk()
    await first
    assert (await walk()).duration_s > 0


@pytest.mark.usefixtures("small_heap")
async def test_a_walk_that_fails_makes_room_for_the_next() -> None:
    def broken() -> float:
        raise RuntimeError("no time")

    with pytest.raises(RuntimeError, match="no time"):
        await walk(broken)
    assert (await walk()).stall_s > 0


@pytest.mark.usefixtures("small_heap")
async def test_the_walk_does_not_show_itself() -> None:
    report = await walk(SteppingClock(SLICE_S))
    again = await walk(SteppingClock(SLICE_S))
    shown = {entry.type.rpartition(".")[0] for entry in (*report.top_types, *again.top_types)}
    assert not shown & {"profiling.process.object_walk", "profiling.process.safe_inspect"}
    assert abs(again.gc_stats.tracked_objects - report.gc_stats.tracked_objects) < 200


@pytest.mark.usefixtures("small_heap")
async def test_the_walk_keeps_nothing_alive_when_it_has_ended() -> None:
    held = Held([b"s" * (2 * MB)])
    gone = weakref.ref(held)
    report = await walk()
    del held
    assert gone() is None
    assert report.large_objects


async def test_the_walk_keeps_nothing_alive_when_it_is_cancelled() -> None:
    held = [Held() for _ in range(10)]
    gone = [weakref.ref(each) for each in held]
    walking = asyncio.create_task(walk(SteppingClock(SLICE_S)), name="walk to cancel")
    for _ in range(5):
        await asyncio.sleep(0)
    assert not walking.done()
    walking.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await walking
    held.clear()
    assert [ref() for ref in gone] == [None] * 10
    assert caught.value is not None  # its traceback, with the walk's variables, is still here
    assert object_walk._turn.take()
    object_walk._turn.give_back()
