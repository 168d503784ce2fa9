"""Jobs that fill up a store which knows its limit, end to end: not accused while it fills, and told how full it is."""

from __future__ import annotations

import functools
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from profiling.process import contents, holders
from profiling.profiler import Profiler
from profiling.records import Level, State, Verdict
from profiling.samples import sampler
from profiling.stopwatch import Budget
from profiling.verdict.bounds import GOOD_FOR_RUNS
from profiling.verdict.patience import Patience

pytestmark = pytest.mark.skipif(
    sampler.unavailable_reason() is not None, reason=f"no samples: {sampler.unavailable_reason()}"
)

RUNS = 40
ITEMS = 50  # a run
HOLDS = 4_000  # so many, half of which are there after 40 runs
AT_ONCE = Patience(usual_runs=12, slow_runs=12)

Job = Callable[[], None]


@pytest.fixture
def profiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Profiler]:
    """One that accuses after 12 runs, and that may always look, at as many stores as there are."""
    monkeypatch.setattr(contents, "MAX_WALKS_S", math.inf)  # a process of many tests has more than a service
    made = Profiler(level=Level.SAMPLES, sample_bytes=512, collect=True, patience=AT_ONCE, window_s=1e9)
    yield made
    made.close()


def verdicts_of(profiler: Profiler, job: Job, runs: int = RUNS) -> list[Verdict]:
    """Return the verdict after each run."""
    told = []
    for _ in range(runs):
        with profiler.run("job"):
            job()
        told.append(profiler.verdict("job"))
    return told


def record(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"record {number}", "values": [float(number), float(number + 1)]}


class Store:
    """A cache as people write it."""

    def __init__(self) -> None:
        self.maxsize = HOLDS
        self.records: dict[int, Any] = {}

    def put(self, number: int, value: object) -> None:
        self.records[number] = value


def fill_deque() -> tuple[str, Job]:
    numbers, ring = itertools.count(), deque[Any](maxlen=HOLDS)

    def job() -> None:
        ring.extend([record(next(numbers)) for _ in range(ITEMS)])

    return "deque", job


def fill_lru_cache() -> tuple[str, Job]:
    numbers, cached = itertools.count(), functools.lru_cache(HOLDS)(record)

    def job() -> None:
        for _ in range(ITEMS):
            cached(next(numbers))

    return "functools.lru_cache", job


def fill_store() -> tuple[str, Job]:
    numbers, store = itertools.count(), Store()

    def job() -> None:
        for _ in range(ITEMS):
            number = next(numbers)
            store.put(number, record(number))

    return f"{__name__}.Store", job


@pytest.mark.parametrize("make", [fill_deque, fill_lru_cache, fill_store], ids=["deque", "lru_cache", "object"])
def test_job_that_fills_up_a_store_is_never_accused_and_says_how_full_it_is(
    make: Callable[[], tuple[str, Job]], profiler: Profiler
) -> None:
    kind, job = make()
    told = verdicts_of(profiler, job)
    assert not any(verdict.state.is_accusation for verdict in told)
    last = told[-1]
    assert last.state is State.GROWING
    assert last.bound is not None
    looked_after, rest = divmod(last.bound.items, ITEMS)
    assert (last.bound.kind, last.bound.max_items, rest) == (kind, HOLDS, 0)
    assert RUNS - GOOD_FOR_RUNS < looked_after <= RUNS
    assert last.reason.endswith(
        f"; it is filling a {kind} of at most 4 000 items, which is {last.bound.percent_full} % full"
    )


def test_leak_beside_a_store_that_fills_up_is_accused_at_its_own_line(profiler: Profiler) -> None:
    _, job = fill_deque()
    kept: list[object] = []

    def leaking() -> None:
        job()
        kept.extend([bytes(300) for _ in range(ITEMS)])

    last = verdicts_of(profiler, leaking)[-1]
    assert last.state is State.LEAKING
    assert last.accusation is not None
    assert last.accusation.site is not None
    assert last.accusation.site[1] == leaking.__code__.co_firstlineno + 2


def test_store_that_is_full_and_whose_items_grow_is_accused(profiler: Profiler) -> None:
    ring = deque[list[Any]]([[] for _ in range(100)], maxlen=100)

    def job() -> None:
        for items in itertools.islice(ring, ITEMS):
            items.append(bytes(300))

    assert verdicts_of(profiler, job)[-1].state is State.LEAKING


def test_store_without_a_limit_excuses_nothing(profiler: Profiler) -> None:
    ring, numbers = deque[Any](), itertools.count()

    def job() -> None:
        ring.extend([record(next(numbers)) for _ in range(ITEMS)])

    assert verdicts_of(profiler, job)[-1].state is State.LEAKING


def test_leak_is_accused_although_no_time_is_ever_left_for_a_look(
    profiler: Profiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MAX_WALKS_S", -1.0)
    poor = profiler._judging._holders
    poor._is_bounded, poor._budget = True, Budget(0.0, at_once_s=-1.0)
    ring, kept = deque[int](range(100), maxlen=1_000), list[object]()
    told = verdicts_of(profiler, lambda: kept.extend([bytes(300) for _ in range(ITEMS)]))
    assert told[-1].state is State.LEAKING
    assert len(ring) == 100


@pytest.mark.parametrize(("keeps", "looks_there_are"), [(False, 0), (True, 1)])
def test_stores_are_looked_at_before_an_accusation_and_never_where_nothing_grows(
    keeps: bool, looks_there_are: int, profiler: Profiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, find, kept = list[None](), holders.find_stores, list[object]()

    def job() -> None:
        made = [bytes(300) for _ in range(ITEMS)]
        kept.extend(made if keeps else ())

    def counted() -> list[holders.Store]:
        looks.append(None)
        return find()

    monkeypatch.setattr(holders, "find_stores", counted)
    assert verdicts_of(profiler, job)[-1].state is (State.LEAKING if keeps else State.STABLE)
    assert len(looks) == looks_there_are
