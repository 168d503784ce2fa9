"""Full collections on a verdict's behalf: real garbage and real free lists, in a process that collects seldom."""

from __future__ import annotations

import gc
import linecache
import math
from collections.abc import Callable, Iterator

import pytest

from profiling.process import contents, full_collections
from profiling.process.full_collections import BudgetedCollector, count_full_collections
from profiling.profiler import Profiler
from profiling.records import Level, State
from profiling.verdict.patience import Patience

LEVELS = [Level.COUNTERS, Level.SAMPLES, Level.LINES]
RUNS = 40


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch, nothing_frozen: None) -> Iterator[None]:
    """As in a service where a full collection comes once in thousands of runs, and takes less than 50 ms."""
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", math.inf)
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], 1_000_000)
    yield
    gc.set_threshold(*before)


@pytest.fixture
def made() -> Iterator[Callable[[Level, BudgetedCollector], Profiler]]:
    """A profiler with that collector, closed in the end."""
    profilers: list[Profiler] = []

    def make(level: Level, collector: BudgetedCollector) -> Profiler:
        # After 12 runs: this is about garbage, not about caches that fill up.
        profiler = Profiler(level=level, sample_bytes=1_024, patience=Patience(usual_runs=12, slow_runs=12))
        profiler._shared.collector = collector
        profilers.append(profiler)
        return profiler

    yield make
    for profiler in profilers:
        profiler.close()


def count() -> int:
    return count_full_collections() or 0


@pytest.fixture
def in_20_ms() -> Iterator[Clock]:
    """A clock by which each collection of all generations takes 20 ms, and nothing else any time."""
    clock = Clock()

    def collected(phase: str, info: dict[str, int]) -> None:
        clock.now_s += 0.02 * (phase == "stop" and info["generation"] == 2)

    gc.callbacks.append(collected)
    yield clock
    gc.callbacks.remove(collected)


@pytest.mark.slow
def test_full_collections_take_a_fiftieth_of_the_time_once_a_second_is_spent(seldom: None, in_20_ms: Clock) -> None:
    collector = BudgetedCollector(in_20_ms, cpu_clock=in_20_ms)
    assert [collector.collect() for _ in range(53)] == [True] * 52 + [False]
    in_20_ms.now_s += 0.9  # 1 040 ms are spent, of 1 038.8
    assert not collector.collect()
    in_20_ms.now_s += 0.1  # of 1 040.8
    assert collector.collect()
    assert not collector.collect()


def test_collections_are_counted_while_the_collector_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", math.inf)  # a process of many tests has more than a service
    before = count()
    assert BudgetedCollector(Clock()).collect()
    assert count() == before + 1
    gc.disable()
    try:
        assert count_full_collections() is None
    finally:
        gc.enable()


def test_leaves_alone_a_collector_that_is_off_and_a_heap_that_would_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    collector, test = BudgetedCollector(Clock()), BudgetedCollector(Clock(), is_bounded=False)
    gc.disable()
    try:
        assert (collector.collect(), test.collect()) == (False, True)
        assert not gc.isenabled()
    finally:
        gc.enable()
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 0.0)
    assert (collector.takes_long, collector.collect(), test.collect()) == (True, False, True)


def test_collections_that_took_long_are_made_no_more(
    seldom: None, in_20_ms: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = BudgetedCollector(in_20_ms, cpu_clock=in_20_ms)
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 0.03)
    monkeypatch.setattr(collector, "_block_s", 0.0)  # of the small heap of a service that has just begun
    assert collector.collect()
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 0.01)
    assert collector.takes_long
    assert not collector.collect()


def test_one_collection_that_took_long_by_chance_does_not_prevent_the_next(
    seldom: None, in_20_ms: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = BudgetedCollector(in_20_ms, cpu_clock=in_20_ms)
    assert collector.collect()
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", 2 * collector._block_s * collector._blocks_to_visit())

    def disturbed(phase: str, info: dict[str, int]) -> None:
        in_20_ms.now_s += 0.05 * (phase == "stop" and info["generation"] == 2)

    gc.callbacks.append(disturbed)
    assert collector.collect()
    gc.callbacks.remove(disturbed)
    assert not collector.takes_long
    assert collector.collect()


class Node:
    def __init__(self) -> None:
        self.itself = self
        self.rows = [bytes(1_000) for _ in range(100)]


def leave_a_cycle() -> None:
    node = Node()
    gc.collect(1)
    del node  # old by now: only a full collection finds it


def fill_a_free_list() -> int:
    # Each takes a tuple of ten from the interpreter, and gives one of sixteen back.
    return len([tuple(float(number + part) for part in range(16)) for number in range(60)])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("work", [leave_a_cycle, fill_a_free_list])
def test_garbage_and_free_lists_are_no_leak(
    seldom: None, made: Callable[[Level, BudgetedCollector], Profiler], level: Level, work: Callable[[], object]
) -> None:
    clock, before = Clock(), count()
    profiler = made(level, BudgetedCollector(clock))
    states = set()
    for _ in range(RUNS):
        with profiler.run("work"):
            work()
        clock.now_s += 60.0
        told = profiler.last_verdict("work")
        states |= {told.state} if told else set()
    assert not any(state.is_accusation for state in states)
    # The counters see garbage that waits as growth of the process, which is no accusation.
    assert State.STABLE in states or level is Level.COUNTERS
    assert count() - before <= RUNS
    gc.collect()


def runs_until_told(profiler: Profiler, clock: Clock) -> int:
    """How many runs of a leak it takes; 40 where that is not enough."""
    kept = []
    for number in range(1, 40):
        with profiler.run("work"):
            kept.append([bytes(400) for _ in range(1_000)])
        clock.now_s += 60.0
        told = profiler.last_verdict("work")
        if told is not None and told.state is State.LEAKING:
            return number
    return 40


@pytest.mark.parametrize("level", [Level.SAMPLES, Level.LINES])
def test_leak_is_told_by_the_first_verdict(
    seldom: None,
    made: Callable[[Level, BudgetedCollector], Profiler],
    level: Level,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contents, "MAX_WALKS_S", math.inf)  # a process of many tests has more stores than a service
    gc.collect()
    clock, before = Clock(), count()
    assert runs_until_told(made(level, BudgetedCollector(clock)), clock) == 12
    assert count() - before == 1  # before the first verdict, and none for closing runs


@pytest.mark.parametrize("level", [Level.SAMPLES, Level.LINES])
def test_leak_is_told_later_where_old_garbage_is_as_large(
    seldom: None, made: Callable[[Level, BudgetedCollector], Profiler], level: Level
) -> None:
    gc.collect()
    clock = Clock()
    profiler = made(level, BudgetedCollector(clock))
    with profiler.run("another"):
        for _ in range(40):
            leave_a_cycle()
    assert runs_until_told(profiler, clock) <= 30


@pytest.mark.parametrize("level", [Level.SAMPLES, Level.LINES])
def test_leak_is_told_by_itself_beside_garbage_that_is_larger(
    seldom: None, made: Callable[[Level, BudgetedCollector], Profiler], level: Level
) -> None:
    gc.collect()
    clock, kept, told = Clock(), [], []
    profiler = made(level, BudgetedCollector(clock))
    for _ in range(RUNS):
        with profiler.run("work"):
            leave_a_cycle()  # 105 KB
            kept.append([bytes(400) for _ in range(100)])
        clock.now_s += 60.0
        told.append(profiler.last_verdict("work"))
    first = next(number for number, verdict in enumerate(told) if verdict and verdict.state is State.LEAKING)
    assert first < 30
    for verdict in told[first:]:
        assert verdict is not None
        assert verdict.state is State.LEAKING
        assert verdict.bytes_per_run == pytest.approx(44_000, rel=0.3)
        lines = [linecache.getline(*suspect.site).strip() for suspect in verdict.suspects]
    assert lines == ["kept.append([bytes(400) for _ in range(100)])"]
