"""Which symbol a user means, and what is offered while typing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.discord.symbols import choices_for, symbol_meant
from volaris.errors import CommandRefused


@dataclass(frozen=True, slots=True)
class Listed:
    symbol: str
    name: str


LISTED = [
    Listed("A", "Agilent Technologies"),
    Listed("AAPL", "Apple Inc."),
    Listed("BRK.B", "Berkshire Hathaway"),
    Listed("GOOG", "Alphabet Inc. (Class C)"),
    Listed("MSFT", "Microsoft"),
]


@pytest.mark.parametrize("typed", ["BRK.B", "brk.b", "brk-b", "BRK/B", "$brk.b", " brk.b "])
def test_a_symbol_may_be_spelt_in_many_ways(typed: str) -> None:
    assert symbol_meant(typed, LISTED).symbol == "BRK.B"


def test_an_unknown_symbol_is_told_with_similar_ones() -> None:
    with pytest.raises(CommandRefused, match=r"^There is no symbol `MSFF`\. Did you mean MSFT\?$"):
        symbol_meant("MSFF", LISTED)
    with pytest.raises(CommandRefused, match=r"^There is no symbol `1`\. Type a few letters of it and choose"):
        symbol_meant("1", LISTED)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("a", ["A", "AAPL", "GOOG", "BRK.B"]),
        ("app", ["AAPL"]),
        ("class", ["GOOG"]),
        ("hathaway", ["BRK.B"]),
        ("soft", ["MSFT"]),
        ("zzz", []),
        ("", ["A", "AAPL", "BRK.B", "GOOG", "MSFT"]),
    ],
)
def test_symbols_and_names_are_found_the_best_first(typed: str, found: list[str]) -> None:
    assert list(choices_for(typed, LISTED)) == found


def test_choices_show_the_name() -> None:
    assert choices_for("AAPL", LISTED) == {"AAPL": "AAPL · Apple Inc."}


@given(st.text())
def test_whatever_is_typed_at_most_25_are_offered(typed: str) -> None:
    many = [Listed(f"S{number}", typed) for number in range(60)]
    assert len(choices_for(typed, many)) <= 25
