"""Columns to the binary format of COPY and back: the two are each other's inverse."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from volaris.errors import StoreError
from volaris.store.columns import HEADER, TRAILER, Column, ColumnType, decode, encode

KINDS = {
    "day": ColumnType.DATE,
    "price": ColumnType.DOUBLE,
    "count": ColumnType.INTEGER,
    "volume": ColumnType.LONG,
    "is_call": ColumnType.BOOLEAN,
}


@given(st.data(), st.integers(0, 20))
def test_decode_after_encode_is_the_identity(data: st.DataObject, rows: int) -> None:
    drawn = {
        "day": np.datetime64("2000-01-01") + data.draw(arrays.arrays("i4", rows)).astype("m8[D]"),
        "price": data.draw(arrays.arrays("f8", rows)),
        "count": data.draw(arrays.arrays("i4", rows)),
        "volume": data.draw(arrays.arrays("i8", rows)),
        "is_call": data.draw(arrays.arrays("?", rows)),
    }
    back = decode(HEADER + encode(list(drawn.values()), rows) + TRAILER, KINDS)
    for name, column in drawn.items():
        assert back[name].dtype == column.dtype
        np.testing.assert_array_equal(back[name], column)


def test_row_is_what_the_documentation_of_copy_says() -> None:
    columns: list[Column] = ["AB", np.array([date(2000, 1, 3)], dtype="M8[D]"), np.array([1.5]), np.array([True])]
    assert encode(columns, 1) == bytes.fromhex(
        "0004"  # fields
        "00000002 4142"  # a text of two bytes
        "00000004 00000002"  # days since 2000-01-01
        "00000008 3ff8000000000000"
        "00000001 01".replace(" ", "")
    )


def test_text_is_as_long_as_its_bytes() -> None:
    assert encode(["é"], 2) == bytes.fromhex("0001 00000002 c3a9".replace(" ", "")) * 2


def test_rows_of_another_length_are_refused() -> None:
    stream = HEADER + encode([np.array([1.5])], 1) + TRAILER
    with pytest.raises(StoreError, match="rows of count are not all 10 bytes long; one may be NULL"):
        decode(stream, {"count": ColumnType.INTEGER})


def test_field_of_another_length_is_refused_by_its_name() -> None:
    # A NULL, which has no bytes, and eight bytes are together as long as two integers.
    row = bytes.fromhex("0002 ffffffff 00000008 0000000000000000".replace(" ", ""))
    with pytest.raises(StoreError, match="the column a has a NULL, or is of another type than integer"):
        decode(HEADER + row + TRAILER, {"a": ColumnType.INTEGER, "b": ColumnType.INTEGER})


def test_column_of_text_objects_has_no_type() -> None:
    with pytest.raises(StoreError, match="a column of object cannot be stored; the database has no such type"):
        encode([np.array(["a"], dtype=object)], 1)
