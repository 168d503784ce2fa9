"""Runs that are closed: older objects frozen meanwhile, the run's own garbage collected, free lists emptied."""

from __future__ import annotations

import gc
import math
import sys
import weakref
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from profiling.process import full_collections
from profiling.process.full_collections import (
    FROZEN_KEPT_S,
    MAX_FREEZE_S,
    BudgetedCollector,
    count_frozen,
    count_full_collections,
)
from profiling.profiler import Profiler
from profiling.records import Level, Snapshot
from profiling.run import Care, Run
from profiling.traces.reader import TraceReader


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Node:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def left_as_it_was(nothing_frozen: None) -> Iterator[None]:
    """Nothing is collected by itself meanwhile, and the collector is in the end what it was in the beginning."""
    thresholds = gc.get_threshold()
    gc.set_threshold(1_000_000, 1_000_000, 1_000_000)
    before = gc.isenabled(), gc.get_threshold(), gc.get_debug(), count_frozen()
    assert count_frozen() == 0
    yield
    assert (gc.isenabled(), gc.get_threshold(), gc.get_debug(), count_frozen()) == before
    gc.set_threshold(*thresholds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def collector(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> BudgetedCollector:
    """One in a process whose heap is small: that of all these tests together may not be."""
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", math.inf)
    return BudgetedCollector(clock, cpu_clock=clock)


def garbage() -> weakref.ref[Node]:
    return weakref.ref(Node())


def is_frozen() -> bool:
    return count_frozen() > 0


def test_run_freezes_what_is_older_and_thaws_it_in_the_end(collector: BudgetedCollector) -> None:
    assert collector.begin("run", closes=True)
    assert is_frozen()
    assert collector.end("run")
    assert not is_frozen()


def test_runs_own_garbage_is_gone_and_older_garbage_is_not(collector: BudgetedCollector) -> None:
    node = Node()
    gc.collect()
    older = weakref.ref(node)
    del node  # in the oldest generation by now
    collector.begin("run", closes=True)
    own = garbage()
    assert own() is not None
    collector.end("run")
    assert own() is None
    assert older() is not None
    gc.collect()
    assert older() is None


def test_young_garbage_of_before_is_collected_and_not_frozen(collector: BudgetedCollector) -> None:
    young = garbage()
    collector.begin("run", closes=True)
    assert young() is None
    collector.end("run")


def fill_free_list() -> int:
    """Leave a thousand tuples of eleven on the interpreter's free list; return how many blocks are allocated then."""
    made = [tuple(range(number, number + 11)) for number in range(1_000)]
    assert len(made) == 1_000
    del made
    return sys.getallocatedblocks()


def test_free_lists_are_emptied_at_both_ends(collector: BudgetedCollector) -> None:
    full = fill_free_list()
    collector.begin("run", closes=True)
    assert sys.getallocatedblocks() < full - 900
    full = fill_free_list()
    collector.end("run")
    assert sys.getallocatedblocks() < full - 900


def test_nested_runs_are_closed_and_the_outer_one_thaws(collector: BudgetedCollector) -> None:
    collector.begin("outer", closes=True)
    assert collector.begin("inner", closes=True)
    own = garbage()
    assert not collector.end("inner")
    assert own() is None
    assert is_frozen()
    assert collector.end("outer")
    assert not is_frozen()


def test_run_that_outlives_the_freeze_of_another_is_closed_without_one(collector: BudgetedCollector) -> None:
    collector.begin("first", closes=True)
    collector.begin("second", closes=True)
    kept = garbage()
    assert collector.end("first")
    assert not is_frozen()
    assert kept() is None
    full = fill_free_list()
    assert not collector.end("second")
    assert sys.getallocatedblocks() < full - 900
    assert not is_frozen()


def test_run_that_begins_after_the_freeze_has_ended_has_one_of_its_own(collector: BudgetedCollector) -> None:
    collector.begin("first", closes=True)
    collector.begin("second", closes=True)
    collector.end("first")
    collector.begin("third", closes=True)
    assert not collector.end("second")
    assert is_frozen()
    assert collector.end("third")


def test_what_the_program_has_frozen_stays_frozen_and_all_else_is_collected(collector: BudgetedCollector) -> None:
    gc.freeze()
    frozen = count_frozen()
    try:
        assert collector.begin("run", closes=True)
        assert collector.end("run")
        assert count_frozen() == frozen
    finally:
        gc.unfreeze()


def test_what_the_program_freezes_between_the_ends_of_two_runs_stays_frozen(collector: BudgetedCollector) -> None:
    collector.begin("first", closes=True)
    collector.begin("second", closes=True)
    collector.end("first")
    gc.freeze()
    frozen = count_frozen()
    try:
        assert collector.end("second")
        assert count_frozen() == frozen
    finally:
        gc.unfreeze()


def test_what_the_program_has_frozen_is_counted_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, counts = Clock(), []

    def counted() -> int:
        counts.append(count_frozen())
        return counts[-1]

    monkeypatch.setattr(full_collections, "count_frozen", counted)
    collector = BudgetedCollector(clock, is_bounded=False)
    gc.freeze()
    try:
        for now_s in (0.0, 1.0, FROZEN_KEPT_S, FROZEN_KEPT_S + 0.1):
            clock.now_s = now_s
            collector.begin("run", closes=True)
            collector.end("run")
    finally:
        gc.unfreeze()
    assert len(counts) == 2


@pytest.mark.parametrize(("seconds", "first_thaws"), [(MAX_FREEZE_S, True), (MAX_FREEZE_S + 0.1, False)])
def test_freeze_that_lasts_too_long_is_thawed_by_the_next_run(
    collector: BudgetedCollector, clock: Clock, seconds: float, *, first_thaws: bool
) -> None:
    collector.begin("first", closes=True)
    own = Node()
    gone = weakref.ref(own)
    gc.collect()
    del own
    clock.now_s += seconds
    collector.begin("second", closes=True)
    assert collector.end("first") == first_thaws
    assert is_frozen() != first_thaws
    assert collector.end("second") != first_thaws
    gc.collect()
    assert gone() is None


def test_run_that_never_ends_does_not_keep_all_frozen(collector: BudgetedCollector, clock: Clock) -> None:
    collector.begin("endless", closes=True)
    clock.now_s += MAX_FREEZE_S + 0.1
    assert not collector.begin("run", closes=False)
    assert not is_frozen()


def test_closing_takes_a_fiftieth_of_the_time_once_three_tenths_of_a_second_are_spent(
    collector: BudgetedCollector, clock: Clock
) -> None:
    def collected(phase: str, info: dict[str, int]) -> None:
        clock.now_s += 0.02 * (phase == "stop" and info["generation"] == 2)

    def close(run: int) -> bool:
        return collector.begin(run, closes=True) and collector.end(run)

    gc.callbacks.append(collected)
    try:
        assert [close(run) for run in range(9)] == [True] * 8 + [False]
        clock.now_s += 0.6  # 320 ms are spent, of 318.4
        assert not close(9)
        clock.now_s += 0.1  # of 320.4
        assert close(10)
        assert not close(11)
    finally:
        gc.callbacks.remove(collected)


def test_run_under_no_suspicion_is_left_alone(collector: BudgetedCollector) -> None:
    before = gc.get_stats()
    assert not collector.begin("run", closes=False)
    assert not is_frozen()
    assert gc.get_stats() == before
    gc.collect()


def test_nothing_is_collected_in_full_while_a_run_is_frozen(collector: BudgetedCollector) -> None:
    collector.begin("run", closes=True)
    assert not collector.collect()
    collector.end("run")
    assert collector.collect()


def test_collections_that_passed_over_frozen_objects_are_not_counted(collector: BudgetedCollector) -> None:
    before = count_full_collections()
    assert before is not None
    collector.begin("run", closes=True)
    gc.collect()
    assert collector.end("run")
    assert count_full_collections() == before
    gc.collect()
    assert count_full_collections() == before + 1


@pytest.mark.parametrize(("young", "may_collect"), [(3, False), (4, True)])
@pytest.mark.parametrize("is_closed", [False, True])
def test_large_heap_is_collected_if_the_interpreter_would_have_done_so_by_now(
    collector: BudgetedCollector, monkeypatch: pytest.MonkeyPatch, young: int, *, may_collect: bool, is_closed: bool
) -> None:
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 0.0)
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 2, 2)  # a full collection is due after nine of the youngest generation
    gc.collect()
    try:
        for _ in range(5):
            gc.collect(0)
        if is_closed:  # which sets the collector's own counters back
            collector.begin("run", closes=True)
            collector.end("run")
        for _ in range(young):
            gc.collect(0)
        assert collector.collect() == may_collect
    finally:
        gc.set_threshold(*before)


class InterruptedReader(TraceReader):
    """Is interrupted whenever it reads."""

    def read(self, session: int) -> Snapshot:
        raise KeyboardInterrupt


@pytest.mark.usefixtures("nothing_frozen")
def test_run_that_cannot_begin_leaves_nothing_frozen() -> None:
    profiler = Profiler(level=Level.LINES, reader=InterruptedReader())
    again = partial(profiler.run, "job")
    run = Run("job", Level.LINES, profiler._shared, samples=False, care=Care(closes=True), again=again)
    with pytest.raises(KeyboardInterrupt), run:
        pass
    assert count_frozen() == 0
    profiler.close()


@pytest.mark.usefixtures("nothing_frozen")
def test_runs_of_a_suspect_are_closed_unless_they_are_long() -> None:
    kept: list[list[bytes]] = []
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024)) as profiler:
        for _ in range(12):
            with profiler.run("job"):
                kept.append([bytes(900) for _ in range(50)])
        case = profiler._judging.cases.of("job")
        case.duration_s = MAX_FREEZE_S
        assert profiler._judging.care("job").closes
        case.duration_s = MAX_FREEZE_S + 0.1
        assert not profiler._judging.care("job").closes
