"""Data that other packages ship: bars and members within their bounds, or a BadDocument."""

from __future__ import annotations

import gzip
import math
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.hostile_input.changes import damaged
from volaris.errors import BadDocument
from volaris.market.constituents import read_constituents
from volaris.market.replay import NAMES, unpack_bars

BARS_HEAD = "Ticker,Date,Open,High,Low,Close,Volume"
BARS = [f"{name},2000-03-0{day},118.5,132.06,118.5,130.31,9616100" for name in NAMES for day in (1, 2)]
MEMBERS_HEAD = "ticker,name,cik,gics_sector,gics_sub_industry,date_added"
MEMBERS = ["A,Alpha,1,Energy,Oil,1957-03-04", "B.X,Beta,2,,,", 'C,"Gamma, Inc.",3,Utilities,Gas,2020-01-01']
CELLS = st.sampled_from(
    ["", "nan", "inf", "-1", "0", "1e400", "9" * 30, "9" * 5_000, "x", '"', "a\0", "2000-13-01", "٣"]
)


@st.composite
def tables(draw: st.DrawFn, head: str, rows: list[str]) -> str:
    """The table with a cell replaced, a row doubled or left out, or a column missing."""
    lines = [head, *rows]
    number = draw(st.integers(0, len(lines) - 1))
    cells = lines[number].split(",")
    cells[draw(st.integers(0, len(cells) - 1))] = draw(CELLS)
    changed = ",".join(cells[: draw(st.integers(0, len(cells)))] if draw(st.booleans()) else cells)
    lines[number : number + draw(st.integers(0, 1))] = draw(st.sampled_from([[changed], [], [changed, changed]]))
    return "\n".join(lines)


def check_bars(packed: bytes) -> None:
    with suppress(BadDocument):
        for bars in unpack_bars(packed).values():
            assert len(bars) > 0
            assert list(bars.days) == sorted(set(bars.days))
            assert all(0 < low <= high < math.inf for low, high in zip(bars.lows, bars.highs, strict=True))
            assert all(volume >= 0 for volume in bars.volumes)


def check_members(file: Path) -> None:
    with suppress(BadDocument):
        members = read_constituents(file)
        symbols = [member.symbol for member in members]
        assert symbols == sorted(set(symbols))
        assert all(member.symbol and member.name for member in members)


@given(tables(BARS_HEAD, BARS))
def test_bars_with_a_cell_a_row_or_a_column_changed(text: str) -> None:
    check_bars(gzip.compress(text.encode()))


@given(damaged("\n".join([BARS_HEAD, *BARS]).encode()).map(gzip.compress) | st.binary(max_size=100))
def test_bars_with_damaged_bytes(packed: bytes) -> None:
    check_bars(packed)


@given(damaged(gzip.compress("\n".join([BARS_HEAD, *BARS]).encode())))
def test_bars_in_a_damaged_package(packed: bytes) -> None:
    check_bars(packed)


@given(tables(MEMBERS_HEAD, MEMBERS).map(str.encode) | damaged("\n".join([MEMBERS_HEAD, *MEMBERS]).encode()))
def test_members_with_a_cell_a_row_or_a_column_changed(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "members.csv"
    file.write_bytes(text)
    check_members(file)


def test_volume_that_no_column_holds_is_refused() -> None:
    row = f"AAPL,2000-03-01,1,2,1,2,{2**63}"
    with pytest.raises(BadDocument, match="replay: AAPL: the bar of 2000-03-01 cannot be read: OverflowError"):
        unpack_bars(gzip.compress(f"{BARS_HEAD}\n{row}".encode()))


@pytest.mark.parametrize(
    "row", ["A,Alpha again,4,,,", "D,Del\0ta,4,,,", "D,Delta,4,E\0,,"], ids=["twice", "NUL", "NUL sector"]
)
def test_members_that_the_database_would_refuse_are_a_bad_document(tmp_path: Path, row: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text("\n".join([MEMBERS_HEAD, *MEMBERS, row]))
    with pytest.raises(BadDocument, match=r"list\.csv cannot be read: ValueError"):
        read_constituents(file)
