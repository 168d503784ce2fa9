"""The members of the S&P 500, from the data that the package pitindex ships."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from volaris.errors import BadDocument
from volaris.market.records import Constituent, Symbol

INDEX = "S&P 500"
FILE = Path("data", "sp500_current.csv")


@cache
def constituents() -> tuple[Constituent, ...]:
    """Return all 503 members, sorted by symbol. The first call reads a file of 42 kB, which blocks for 5 ms.

    The package itself is not imported, because that would import pandas, 35 MB. The result takes 130 kB. Raises
    BadDocument if the file has changed its form.
    """
    found = find_spec("pitindex")
    if found is None or not found.submodule_search_locations:
        raise BadDocument("pitindex", INDEX, "the package is not installed; install it with: pip install pitindex")
    return read_constituents(Path(found.submodule_search_locations[0]) / FILE)


def read_constituents(file: Path) -> tuple[Constituent, ...]:
    """Read a CSV file with the columns ticker, name, gics_sector and date_added. Raises BadDocument."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = _each_once([_constituent(row) for row in csv.DictReader(lines)])
    except (OSError, AttributeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise BadDocument("pitindex", INDEX, f"{file.name} cannot be read: {type(error).__name__}") from error
    return tuple(sorted(rows, key=lambda row: row.symbol))


def symbols() -> tuple[Symbol, ...]:
    """Return the symbol and name of each member."""
    return tuple(Symbol(symbol=member.symbol, name=member.name) for member in constituents())


def _each_once(rows: list[Constituent]) -> list[Constituent]:
    if len({row.symbol for row in rows}) < len(rows):
        raise ValueError("a symbol occurs twice")
    return rows


def _constituent(row: dict[str, str]) -> Constituent:
    symbol, name, sector = row["ticker"].strip(), row["name"].strip(), row["gics_sector"] or None
    if not symbol or not name:
        raise ValueError("a member has no symbol or no name")
    if "\0" in f"{symbol}{name}{sector}":
        raise ValueError("a value has a NUL character, which PostgreSQL does not accept")
    since = row["date_added"]
    return Constituent(
        symbol=symbol,
        name=name,
        sector=sector,
        since=date.fromisoformat(since) if since else None,
    )
