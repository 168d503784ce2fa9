"""Profiles for pprof: what is written is read back, by a reader of our own; `go tool pprof` has tests elsewhere."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.records import OwnerKind
from profiling.records.stack_profile import Frame, StackProfile, StackRow
from profiling.report.folded import stacks_to_text, to_folded
from profiling.report.pprof import module_of, to_pprof
from profiling.report.pprof_reader import from_pprof

FRAMES: tuple[Frame, ...] = (("/gone/a.py", "Store.add", 7), ("/gone/a.py", "Store.add", 9), ("/gone/b.py", "main", 3))
KINDS = {"sync": OwnerKind.JOB, "GET /x": OwnerKind.SCOPE}
AT_S = 1_800_000_000.0


def profile(*rows: StackRow, seconds: float | None = None) -> StackProfile:
    return StackProfile(frames=FRAMES, rows=rows, kinds=KINDS, bytes_per_sample=4_096.0, at_s=AT_S, seconds=seconds)


def packed(made: StackProfile) -> bytes:
    return to_pprof(made, executable="/usr/bin/python3", build_id="abcd", default="inuse_space")


def plain(row: StackRow) -> tuple[object, ...]:
    return (row.owner, tuple(row.stack), *row[2:])


ROWS = (
    StackRow("sync", (0, 2), 1_000.0, 10.0, 0.0, 0.0),
    StackRow("GET /x", (1, 2), 2**40, 1.0, 2**41, 2.0),
    StackRow(None, (2,), 0.0, 0.0, 5.0, 1.0),
    StackRow("sync", (0,), -3.0, -1.0, 0.0, 0.0),
)


def test_what_is_written_is_read_back() -> None:
    read = from_pprof(packed(profile(*ROWS, seconds=30.0)))
    assert read.frames[:3] == list(FRAMES)
    assert read.kinds == KINDS
    assert (read.bytes_per_sample, read.at_s, read.seconds) == (4_096.0, AT_S, 30.0)
    assert list(map(plain, read.rows)) == list(map(plain, ROWS))


def test_memory_without_a_frame_is_told_and_rows_of_nothing_are_left_out() -> None:
    rows = (StackRow("sync", (), 64.0, 1.0, 0.0, 0.0), StackRow("sync", (0,), 0.4, 0.4, -0.4, 0.0))
    read = from_pprof(packed(profile(*rows)))
    (row,) = read.rows
    assert [read.frames[number] for number in row.stack] == [("", "(no Python code)", 0)]
    assert row.live_bytes == 64


sizes = st.integers(-(2**62), 2**62).map(float)
rows = st.builds(
    StackRow,
    st.sampled_from(["sync", "GET /x", None]),
    st.lists(st.integers(0, 2), min_size=1, max_size=6).map(tuple),
    sizes,
    sizes,
    sizes,
    sizes,
)


@given(st.lists(rows, max_size=20))
def test_any_rows_are_read_back(made: list[StackRow]) -> None:
    read = from_pprof(packed(profile(*made)))
    assert list(map(plain, read.rows)) == [plain(row) for row in made if any(row[2:])]


def test_profile_is_gzip_with_the_fields_that_the_format_wants() -> None:
    """The bytes of one sample by the specification, written out."""
    unpacked = gzip.decompress(packed(profile(ROWS[0])))
    assert unpacked.startswith(b"\x0a\x04\x08\x01\x10\x02")  # sample_type {type: 1, unit: 2}
    # sample {location_id: [1, 3], value: [0, 0, 10, 1000], label: {key: .., str: ..}}
    assert b"\x12\x11\x0a\x02\x01\x03\x12\x05\x00\x00\x0a\xe8\x07\x1a\x04\x08" in unpacked
    for text in (b"alloc_objects", b"inuse_space", b"abcd", b"/usr/bin/python3", b"job", b"Store.add", b"/gone/a.py"):
        assert text in unpacked


@pytest.mark.parametrize("size", [0, 1, 40, 100, 200])
def test_profile_that_is_cut_off_or_something_else_is_a_value_error(size: int) -> None:
    whole = packed(profile(*ROWS))
    for data in (whole[:size], gzip.decompress(whole)[:10], b"\x0b" * (size + 1), b"\xff" * (size + 1)):
        with pytest.raises(ValueError, match="profile"):
            from_pprof(data)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_value_error(data: bytes) -> None:
    for each in (data, zlib.compress(data, wbits=31)):
        with suppress(ValueError):
            from_pprof(each)


def test_folded_lines_begin_at_the_owner_and_end_with_the_bytes() -> None:
    assert to_folded(profile(*ROWS)) == (
        "GET /x;gone.b.main:3;gone.a.Store.add:9 1099511627776\nsync;gone.b.main:3;gone.a.Store.add:7 1000\n"
    )
    assert to_folded(profile(*ROWS), "alloc_space").splitlines()[0] == "(before scopes were known);gone.b.main:3 5"


def test_text_for_people_has_the_largest_stacks_first() -> None:
    text = stacks_to_text(profile(*ROWS[:2]))
    assert text.splitlines() == [
        "1.0 TiB alive, estimated from one sample every 4.0 KiB",
        "",
        "1.0 TiB in 1 blocks of GET /x",
        "    /gone/a.py:9 Store.add",
        "    /gone/b.py:3 main",
        "",
        "1000 B in 10 blocks of sync",
        "    /gone/a.py:7 Store.add",
        "    /gone/b.py:3 main",
    ]
    assert stacks_to_text(profile(ROWS[3], seconds=2.0)).startswith("-3 B in 2.0 s alive, ")


@pytest.mark.parametrize(
    ("file", "module"), [("/gone/a.py", "gone.a"), ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>")]
)
def test_function_is_told_with_its_module(file: str, module: str) -> None:
    assert module_of(file) == module
