"""Rows in PostgreSQL's binary COPY format to and from whole NumPy columns, without a Python object for each value.

The format is described with COPY: a header, then each row as a count of fields, and each field as its length and its
bytes, all big-endian. If no field is NULL and a text is the same in all rows, every row has the same length. So the
rows are one structured array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from volaris.errors import StoreError

Column = NDArray[Any] | str  # a text is the same in all rows

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
TRAILER = b"\xff\xff"


class ColumnType(Enum):
    """The types of columns, with their name and their bytes in the stream."""

    DATE = ("date", ">i4")  # days since 2000-01-01
    DOUBLE = ("double precision", ">f8")
    INTEGER = ("integer", ">i4")
    LONG = ("bigint", ">i8")
    BOOLEAN = ("boolean", "?")

    @property
    def type(self) -> np.dtype[Any]:
        """Return the type of a value in the stream."""
        return np.dtype(self.value[1])


# Dates of PostgreSQL and of NumPy both count days, but from different days.
DATES_FROM = np.datetime64("2000-01-01", "D")


def encode(columns: Sequence[Column], rows: int) -> bytes:
    """Encode `rows` rows with these fields, in the order of the columns, without the header and the trailer.

    Columns of datetime64[D], float64, int32, int64 and bool become date, double precision, integer, bigint and boolean.
    """
    values = [_to_postgres(column) for column in columns]
    table = np.empty(rows, dtype=_row_type([value.dtype for value in values]))
    table["fields"] = len(values)
    for number, value in enumerate(values):
        table[f"length{number}"] = value.dtype.itemsize
        table[f"value{number}"] = value
    return table.tobytes()


def decode(stream: bytes | bytearray, columns: Mapping[str, ColumnType]) -> dict[str, NDArray[Any]]:
    """Return the columns of a COPY stream by name, in the machine's byte order; dates as datetime64[D].

    `columns` has the type of each column, in the order of the query. Raises StoreError for rows with other types; a
    NULL is the likely cause.
    """
    names = list(columns)
    row_type = _row_type([kind.type for kind in columns.values()])
    body = memoryview(stream)[len(HEADER) : -len(TRAILER)]
    if len(body) % row_type.itemsize:
        raise StoreError(f"rows of {', '.join(names)} are not all {row_type.itemsize} bytes long; one may be NULL")
    table = np.frombuffer(body, dtype=row_type)
    for number, (name, kind) in enumerate(columns.items()):
        if (table[f"length{number}"] != kind.type.itemsize).any():
            raise StoreError(f"the column {name} has a NULL, or is of another type than {kind.value[0]}")
    return {name: _from_postgres(table[f"value{number}"], columns[name]) for number, name in enumerate(names)}


def _to_postgres(column: Column) -> NDArray[Any]:
    if isinstance(column, str):
        return np.frombuffer(column.encode(), dtype=f"V{len(column.encode())}")
    match column.dtype.kind:
        case "M":
            return (column - DATES_FROM).astype("timedelta64[D]").astype(ColumnType.DATE.type)
        case "f":
            return column.astype(ColumnType.DOUBLE.type)
        case "i":
            return column.astype((ColumnType.LONG if column.dtype.itemsize > 4 else ColumnType.INTEGER).type)
        case "b":
            return column.astype(ColumnType.BOOLEAN.type)
    raise StoreError(f"a column of {column.dtype} cannot be stored; the database has no such type")


def _from_postgres(values: NDArray[Any], kind: ColumnType) -> NDArray[Any]:
    if kind is ColumnType.DATE:
        days: NDArray[np.datetime64] = DATES_FROM + values.astype("timedelta64[D]")
        return days
    return values.astype(kind.type.newbyteorder("="))


def _row_type(types: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    fields: list[tuple[str, Any]] = [("fields", ">i2")]
    for number, of_value in enumerate(types):
        fields += [(f"length{number}", ">i4"), (f"value{number}", of_value)]
    return np.dtype(fields)
