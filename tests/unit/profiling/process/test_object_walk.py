"""What a walk finds: types by count, and large objects wherever they are."""

from __future__ import annotations

import gc
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from profiling.process.object_walk import WHOLE_REFERENTS, Walk, walk
from profiling.records import LargeObject
from tests.unit.profiling.process.heap import MB, Held, large, let_go, look_at


def test_types_are_counted_with_their_average_size() -> None:
    report = look_at(*([] for _ in range(3)), [0] * 100, Held(), Held())
    counts = {entry.type: entry for entry in report.top_types}
    assert counts["list"].count == 4
    assert counts["list"].avg_size_bytes == (3 * 56 + 856) / 4
    assert counts[f"{Held.__module__}.Held"].count == 2
    assert set(counts) == {"list", f"{Held.__module__}.Held"}


def test_twenty_types_are_listed_most_objects_first_then_by_name() -> None:
    made = [type(f"T{number:02}", (), {"__module__": "m"}) for number in range(25)]
    report = look_at(*(cls() for cls in made), made[24](), [])
    assert [entry.type for entry in report.top_types] == ["m.T24", "list", *(f"m.T{number:02}" for number in range(18))]
    assert [entry.count for entry in report.top_types] == [2] + [1] * 19


@pytest.mark.usefixtures("small_heap")
async def test_the_walk_counts_what_the_program_has_made() -> None:
    kept = [Held() for _ in range(70_000)]
    report = await walk()
    counts = {entry.type: entry.count for entry in report.top_types}
    assert counts[f"{Held.__module__}.Held"] == len(kept)
    assert report.gc_stats.tracked_objects > len(kept)
    assert report.gc_stats.threshold == gc.get_threshold()
    assert len(report.gc_stats.collections) == 3
    assert sum(report.gc_stats.collections) > 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"s" * (2 * MB), "<bytes: 2.0 MB>"),
        ("s" * (2 * MB), "<str: 2097152 chars>"),
        (bytearray(3 * MB), "<bytearray: 3.0 MB>"),
        (np.zeros(200_000), "<ndarray: 200000 float64>"),
        (np.zeros((1000, 200))[::3, 1:], "<ndarray: 1000 x 200 float64>"),
        (np.frombuffer(b"x" * (2 * MB), dtype="u1"), "<bytes: 2.0 MB>"),
        (1 << (9 * MB), "<int>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_large_objects_that_the_collector_does_not_track_are_found(value: object, text: str) -> None:
    assert not gc.is_tracked(value)
    assert large(Held(value)) == [text]
    assert large([value]) == [text]
    assert large({"key": value}) == [text]


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ([0] * 140_000, "<list: 140000 items>"),
        (dict.fromkeys(range(50_000), ()), "<dict: 50000 keys>"),
        (set(range(50_000)), "<set: 50000 items>"),
        (pd.Series(np.zeros(200_000)), "<Series: 200000 rows>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_large_objects_that_the_collector_tracks_are_found(obj: object, text: str) -> None:
    assert large(obj) == [text]


@pytest.mark.usefixtures("small_heap")
def test_a_frame_and_the_array_it_is_made_of_are_both_found() -> None:
    frame = pd.DataFrame(np.zeros((50_000, 4)))
    found = large(*gc.get_objects())
    assert sorted(found) == ["<DataFrame: 50000 rows x 4 cols>", "<ndarray: 50000 x 4 float64>"]
    assert len(frame) == 50_000


def test_a_megabyte_is_not_large_and_a_byte_more_is() -> None:
    overhead = b"".__sizeof__()
    assert large(Held(bytes(MB - overhead))) == []
    assert look_at(Held(bytes(MB + 1 - overhead))).large_objects == (
        LargeObject(type="bytes", size_bytes=MB + 1, repr="<bytes: 1.0 MB>"),
    )


def test_the_largest_comes_first_and_each_comes_once() -> None:
    small, big = bytes(2 * MB), bytes(4 * MB)
    view = np.frombuffer(big, dtype="u1")
    assert large(Held(small), Held(big), [small, big], (Held(big), view)) == ["<bytes: 4.0 MB>", "<bytes: 2.0 MB>"]


def test_a_subclass_of_an_array_leads_to_what_it_is_a_view_of() -> None:
    class Named(np.ndarray[Any, Any]): ...

    named = np.zeros(200_000).view(Named)
    assert gc.is_tracked(named)
    assert large(named) == ["<ndarray: 200000 float64>"]


@pytest.mark.usefixtures("small_heap")
def test_what_is_in_tuples_and_dicts_of_plain_values_is_found() -> None:
    value = b"s" * (2 * MB)
    row = (1.5, ("name", (value,)))
    table = {"a": 1, "b": value}
    holder = Held((row, 1))
    holder_of_table = Held(table)
    let_go(row)
    tracked = [table]
    if sys.version_info < (3, 14):  # from then on the collector tracks every dict
        let_go(table)
        tracked.clear()
    assert large(holder) == ["<bytes: 2.0 MB>"]
    assert large(holder_of_table, *tracked) == ["<bytes: 2.0 MB>"]


@pytest.mark.usefixtures("small_heap")
def test_what_is_in_large_tuples_and_dicts_of_plain_values_is_found() -> None:
    value = b"s" * (2 * MB)
    for container in ((*range(60_000), value), (*range(WHOLE_REFERENTS + 10), value)):
        holder = Held(container)
        let_go(container)
        assert "<bytes: 2.0 MB>" in large(holder)


@pytest.mark.usefixtures("small_heap")
def test_tuples_of_the_same_tuples_over_and_over_are_searched_once_each() -> None:
    nested: tuple[Any, ...] = (1, 2.5)
    for _ in range(60):  # 2**60 ways lead to the innermost
        nested = (nested, nested)
    let_go(nested)
    looking = Walk()
    assert sum(1 for _ in looking.steps([Held(nested)])) < 200
