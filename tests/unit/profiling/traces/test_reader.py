"""Tables from traces: the same by every way there is, complete, and without the profiler's own memory."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.records import SiteKey, SiteTable, Snapshot
from profiling.traces import reader, tracing
from profiling.traces.aggregation import TotalsByLine, aggregate_traces, decode_table, encode_table, rows_of
from profiling.traces.reader import TraceReader
from profiling.traces.tracing import Tracing

NEVER = 10**9


def here() -> str:
    return __file__


def keep_lists(count: int) -> list[list[int]]:
    # Not by `range`: from Python 3.14 on its iterator goes to a free list, and keeps this line's trace there.
    return [[0, 1, 2] for _ in repeat(None, count)]


KEEPING_LINE = keep_lists.__code__.co_firstlineno + 2


def as_dict(table: SiteTable) -> dict[SiteKey, tuple[int, int]]:
    return {key: (size_bytes, count) for key, size_bytes, count in table.rows()}


def of_this_file(snapshot: Snapshot) -> dict[SiteKey, tuple[int, int]]:
    return {key: row for key, row in as_dict(snapshot.table).items() if key[0] == here()}


def test_private_and_public_calls_give_the_same_table(traced: None) -> None:
    kept = keep_lists(500)
    private = reader.raw_traces()
    public = reader.public_raw_traces()

    def table_of(raw: list[tuple[int, int, tuple[SiteKey, ...], int]]) -> dict[SiteKey, tuple[int, int]]:
        sums: TotalsByLine = {}
        aggregate_traces(raw, sums)
        return {key: (size, count) for key, size, count in rows_of(sums) if key[0] == here()}

    assert table_of(private)[here(), KEEPING_LINE] == (table_of(public)[here(), KEEPING_LINE])
    assert len(kept) == 500


def test_without_the_private_call_a_snapshot_is_read_through_the_public_one(
    traced: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep_lists(500)
    trace_reader = TraceReader(fork_above_traces=NEVER)
    with_private = of_this_file(trace_reader.read(1))
    monkeypatch.setattr(reader, "_get_traces", None)
    key = (here(), KEEPING_LINE)
    assert of_this_file(trace_reader.read(1))[key] == with_private[key]
    assert len(kept) == 500


def test_without_tracing_there_are_no_traces() -> None:
    assert reader.raw_traces() == []
    assert reader.public_raw_traces() == []
    assert tracing.traced_bytes() is None
    assert tracing.table_bytes() == 0
    assert tracing.estimated_traces() == 0


def test_table_agrees_with_the_standard_library(traced: None) -> None:
    kept = keep_lists(1_000)
    statistics = tracemalloc.take_snapshot().statistics("lineno")
    (theirs,) = [s for s in statistics if (s.traceback[0].filename, s.traceback[0].lineno) == (here(), KEEPING_LINE)]
    ours = of_this_file(TraceReader(fork_above_traces=NEVER).read(1))
    assert ours[here(), KEEPING_LINE] == (theirs.size, theirs.count)
    assert len(kept) == 1_000


def test_table_and_the_profilers_own_bytes_add_up_to_the_traced_total(traced: None) -> None:
    kept = keep_lists(1_000)
    trace_reader = TraceReader(fork_above_traces=NEVER)
    total_bytes = tracemalloc.get_traced_memory()[0]
    snapshot = trace_reader.read(1)
    assert snapshot.table.size_bytes + snapshot.profiler_bytes == snapshot.traced_bytes
    assert snapshot.program_bytes == snapshot.table.size_bytes
    assert total_bytes <= snapshot.traced_bytes < total_bytes + 2_000  # the reading itself, before its list
    assert len(kept) == 1_000


def test_memory_of_the_profiler_is_not_in_the_table_but_beside_it(traced: None) -> None:
    trace_reader = TraceReader(fork_above_traces=NEVER)
    first = trace_reader.read(1)
    second = trace_reader.read(1)
    assert first.table  # the profiler keeps it
    assert second.profiler_bytes > first.profiler_bytes
    assert not [key for key in as_dict(second.table) if key[0].startswith(reader.OWN_FILES)]


def test_forked_child_counts_as_this_process_does(traced: None) -> None:
    kept = keep_lists(2_000)
    key = (here(), KEEPING_LINE)
    inside = TraceReader(fork_above_traces=NEVER).read(1)
    forked = TraceReader(fork_above_traces=0).read(1)
    assert of_this_file(forked)[key] == of_this_file(inside)[key]
    assert forked.table.size_bytes + forked.profiler_bytes == forked.traced_bytes
    assert len(kept) == 2_000


async def test_async_reads_give_the_same_by_both_ways(traced: None) -> None:
    kept = keep_lists(2_000)
    key = (here(), KEEPING_LINE)
    inside = await TraceReader(fork_above_traces=NEVER).read_async(1)
    forked = await TraceReader(fork_above_traces=0).read_async(1)
    assert of_this_file(inside)[key] == of_this_file(forked)[key]
    assert inside.session == forked.session == 1
    assert len(kept) == 2_000


async def test_loop_turns_between_the_slices(traced: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "SLICE_TRACES", 100)
    kept = keep_lists(1_000)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    snapshot = await TraceReader(fork_above_traces=NEVER).read_async(1)
    counting.cancel()
    await asyncio.gather(counting, return_exceptions=True)
    assert turns >= snapshot.traces // 100 - 1 >= 10
    assert len(kept) == 1_000


def test_tables_share_their_keys(traced: None) -> None:
    kept = keep_lists(10)
    trace_reader = TraceReader(fork_above_traces=NEVER)
    first, second = trace_reader.read(1).table, trace_reader.read(1).table
    same = {key: key for key in first.keys}
    assert all(same[key] is key for key in second.keys if key in same)
    assert len(kept) == 10


@pytest.mark.parametrize("enabled", [True, False])
def test_collector_is_left_as_it_was(traced: None, enabled: bool) -> None:
    if not enabled:
        gc.disable()
    try:
        reader.raw_traces()
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_sizes_and_outer_frames_are_summed_up_by_the_innermost_line() -> None:
    inner, one, other = ("a.py", 1), ("b.py", 2), ("c.py", 3)
    raw = (
        [(0, 10, (inner, one), 2)] * 2 + [(0, 10, (inner, other), 2), (0, 7, (one,), 1)] + [(0, 5, (inner, one), 2)] * 4
    )
    sums: TotalsByLine = {}
    aggregate_traces(raw, sums)
    assert sorted(rows_of(sums)) == [(inner, 50, 7), (one, 7, 1)]


@given(st.integers(0, 2_000), st.integers(1, 50))
def test_every_trace_is_counted_once_however_many_there_are(count: int, lines: int) -> None:
    raw = [(0, 8 + n % 3, (("a.py", n % lines),), 1) for n in range(count)]
    sums: TotalsByLine = {}
    aggregate_traces(iter(raw), sums)
    assert sum(blocks for _, _, blocks in rows_of(sums)) == count
    assert sum(size for _, size, _ in rows_of(sums)) == sum(size for _, size, _, _ in raw)


keys = st.tuples(st.text(), st.integers(0, 2**31))
amounts = st.integers(0, 2**62)


@given(st.integers(0, 2**40), st.lists(st.tuples(keys, amounts, amounts)))
def test_decoding_undoes_encoding(count: int, rows: list[tuple[SiteKey, int, int]]) -> None:
    decoded_count, decoded_rows = decode_table(encode_table(count, rows))
    assert (decoded_count, list(decoded_rows)) == (count, rows)


def test_a_stretch_of_tracing_has_one_number() -> None:
    session = Tracing()
    assert session.ensure_session() == session.ensure_session() == 1
    session.close()
    assert not tracemalloc.is_tracing()


def test_tracing_stopped_by_somebody_else_begins_a_new_stretch() -> None:
    session = Tracing()
    session.ensure_session()
    tracemalloc.stop()
    assert session.ensure_session() == 2
    tracemalloc.stop()
    tracemalloc.start()
    assert session.ensure_session() == 3
    session.close()


def test_tracing_of_somebody_else_is_left_on(traced: None) -> None:
    ours = Tracing()
    assert ours.ensure_session() == 1
    ours.close()
    assert tracemalloc.is_tracing()


def test_number_of_traces_is_estimated_within_a_third(traced: None) -> None:
    kept = [bytes(1) * 40 for _ in range(60_000)]
    raw = reader.raw_traces()
    assert 0.67 < tracing.estimated_traces() / len(raw) < 1.5
    assert len(kept) == 60_000


def test_stack_by_which_most_of_a_lines_bytes_came_is_told() -> None:
    tracemalloc.start(5)
    try:
        few, many = keep_lists(10), [keep_lists(10) for _ in range(50)]
        stacks = reader.largest_stacks([(here(), KEEPING_LINE), ("nowhere.py", 1)], lambda frames: frames[0])
    finally:
        tracemalloc.stop()
    (site,) = stacks
    assert site == (here(), KEEPING_LINE)
    caller = test_stack_by_which_most_of_a_lines_bytes_came_is_told.__code__.co_firstlineno + 3
    assert (here(), caller) in stacks[site]
    assert len(few) + len(many) == 60


def test_public_call_keeps_the_order_of_frames() -> None:
    tracemalloc.start(5)
    try:
        kept = keep_lists(10)
        frames = next(frames for _, _, frames, _ in reader.public_raw_traces() if frames[0] == (here(), KEEPING_LINE))
    finally:
        tracemalloc.stop()
    assert len(frames) > 1
    assert len(kept) == 10
