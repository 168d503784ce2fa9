"""The list of the index's members."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import shared_file
from volaris.errors import BadDocument
from volaris.market import Constituent
from volaris.market.constituents import constituents, read_constituents, symbols

HEAD = "ticker,name,cik,gics_sector,gics_sub_industry,date_added\n"
SECTORS = {
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
}


def test_members_are_sorted_by_symbol_with_a_dot_before_the_class_of_a_share() -> None:
    found = [entry.symbol for entry in constituents()]
    assert found == sorted(set(found))
    assert [symbol for symbol in found if not symbol.isalpha()] == ["BF.B", "BRK.B"]


def test_list_is_read_once() -> None:
    assert constituents() is constituents()


def test_symbols_are_those_of_the_members() -> None:
    assert [(entry.symbol, entry.name) for entry in symbols()] == [
        (member.symbol, member.name) for member in constituents()
    ]


def test_each_member_has_one_of_the_eleven_sectors_and_a_day_that_it_joined_on() -> None:
    assert {member.sector for member in constituents()} == SECTORS
    assert all(member.since is not None for member in constituents())


def test_members_are_those_of_another_list_but_for_a_few_that_changed_meanwhile() -> None:
    with shared_file("constituents.csv").open(encoding="utf-8", newline="") as lines:
        theirs = {row["Symbol"]: row for row in csv.DictReader(lines)}
    ours = {member.symbol: member for member in constituents()}
    both = ours.keys() & theirs.keys()
    assert len(both) >= 495
    assert sum(ours[symbol].sector == theirs[symbol]["GICS Sector"] for symbol in both) >= 495
    assert sum(str(ours[symbol].since) == theirs[symbol]["Date added"] for symbol in both) >= 490


def test_sector_and_day_may_be_missing(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(HEAD + "B,Beta,1,,,\nA, Alpha ,2,Energy,Oil,1957-03-04\n")
    first, second = read_constituents(file)
    assert (first.symbol, first.name, first.sector, str(first.since)) == ("A", "Alpha", "Energy", "1957-03-04")
    assert second == Constituent(symbol="B", name="Beta", sector=None, since=None)


@pytest.mark.parametrize(
    "text",
    ["ticker,name\nA,Alpha\n", HEAD + "A,,2,Energy,Oil,\n", HEAD + "A,Alpha,2,Energy,Oil,soon\n", HEAD + "A\n"],
    ids=["columns missing", "no name", "no day", "row cut off"],
)
def test_file_that_is_not_like_that_is_a_bad_document(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)
    with pytest.raises(BadDocument, match=r"pitindex: S&P 500: list\.csv cannot be read"):
        read_constituents(file)


def test_reading_the_list_imports_neither_the_package_nor_pandas() -> None:
    question = (
        "import sys; from volaris.market.constituents import constituents; constituents(); "
        "print(sorted({'pandas', 'pitindex'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
