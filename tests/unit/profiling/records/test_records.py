"""Records are frozen, hold what they are given, and compute no more than sums and ratios of it."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling import records
from profiling.records import Cost, MemoryLimit, MemoryUsage, SiteKey, SiteTable, Snapshot
from tests.unit.profiling.make import MB, RUN, counters, lines, run, table

RECORDS = [value for value in vars(records).values() if isinstance(value, type) and dataclasses.is_dataclass(value)]

signed_64_bit = st.integers(-(2**63), 2**63 - 1)
rows = st.lists(st.tuples(st.tuples(st.text(max_size=3), st.integers(0, 10**6)), signed_64_bit, signed_64_bit))


@given(rows)
def test_table_gives_its_rows_back_in_their_order_and_their_sums(given_rows: list[tuple[SiteKey, int, int]]) -> None:
    packed = SiteTable.from_rows(given_rows)
    assert list(packed.rows()) == given_rows
    assert len(packed) == len(given_rows)
    assert packed.size_bytes == sum(size_bytes for _, size_bytes, _ in given_rows)
    assert packed.count == sum(count for _, _, count in given_rows)


@pytest.mark.parametrize("count", [0, 1, 1_000, 20_000])
def test_table_costs_what_it_says_within_an_eighth(count: int) -> None:
    packed = SiteTable.from_rows((("a.py", line), 1, 1) for line in range(count))
    real_bytes = sum(map(sys.getsizeof, (packed, packed.keys, packed.sizes, packed.counts)))
    assert packed.overhead_bytes == pytest.approx(real_bytes, rel=1 / 8, abs=250)


def test_tables_of_the_same_rows_are_equal() -> None:
    assert table({("a.py", 1): (5, 1)}) == table({("a.py", 1): (5, 1)})
    assert table({("a.py", 1): (5, 1)}) != table({("a.py", 1): (5, 2)})


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record.__name__))
def test_every_record_is_frozen_and_slotted(record: type) -> None:
    assert record.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(record)


def test_field_of_a_record_cannot_be_set() -> None:
    with pytest.raises(FrozenInstanceError):
        RUN.job = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("rss_bytes", "percent", "available_bytes"),
    [(0, 0.0, 512 * MB), (384 * MB, 75.0, 128 * MB), (512 * MB, 100.0, 0), (640 * MB, 125.0, 0)],
)
def test_usage_is_told_against_the_limit_and_nothing_is_available_above_it(
    rss_bytes: int, percent: float, available_bytes: int
) -> None:
    usage = MemoryUsage(rss_bytes=rss_bytes, vms_bytes=0, limit=MemoryLimit(limit_bytes=512 * MB, source="cgroup v2"))
    assert (usage.percent, usage.available_bytes) == (percent, available_bytes)


def test_program_has_the_traced_memory_without_the_profilers() -> None:
    snapshot = Snapshot(
        table=table({}),
        traced_bytes=1_000,
        profiler_bytes=300,
        traces=3,
        session=1,
        cost=Cost(duration_s=0.0, stall_s=0.0, memory_bytes=0),
    )
    assert snapshot.program_bytes == 700


def test_run_tells_its_change_and_its_share_of_the_limit() -> None:
    shrunk = replace(RUN, before=counters(200 * MB), after=counters(128 * MB))
    assert (shrunk.rss_diff_bytes, shrunk.percent) == (-72 * MB, 25.0)


def test_run_retained_what_was_traced_by_known_lines_or_not_and_nothing_is_known_without_lines() -> None:
    assert run(1, lines=lines({}, retained={("a.py", 1): (1_000, 1)})).retained_bytes == 1_234
    assert run(1).retained_bytes is None
