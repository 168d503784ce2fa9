"""Numbers, ages and tables as people read them on a phone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.discord import texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (31_415_926, "31.4M"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (2_500_000_000, "2.5G"),
        (None, "–"),
    ],
)
def test_count(value: float | None, text: str) -> None:
    assert texts.count(value) == text


@given(st.integers(0, 10**12 - 10**9))
def test_a_count_has_at_most_five_characters(value: int) -> None:
    assert len(texts.count(value)) <= 5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "–"),
        (0.05, "0.05"),
        (99.99, "99.99"),
        (99.995, "100.0"),
        (999.94, "999.9"),
        (999.95, "1000"),
        (1e4, "10000"),
    ],
)
def test_quote(value: float, text: str) -> None:
    assert texts.quote(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "of unknown age"),
        (0.0, "just now"),
        (0.99, "just now"),
        (1.0, "1 s old"),
        (59.9, "59 s old"),
        (60.0, "1 min old"),
        (3_599.0, "59 min old"),
        (3_600.0, "1 h old"),
        (86_399.0, "23 h old"),
        (86_400.0, "1 day old"),
        (172_800.0, "2 days old"),
    ],
)
def test_age(seconds: float | None, text: str) -> None:
    assert texts.age(seconds) == text


def test_money_shares_and_strikes() -> None:
    assert texts.dollars(1_234.5) == "$1,234.50"
    assert (texts.percent(0.2841), texts.percent(None)) == ("28.4 %", "–")
    assert (texts.score(55.5), texts.score(None)) == ("56", "–")
    assert [texts.strike(value) for value in (2.5, 250.0, 1_000.0, 123_456.0)] == ["2.5", "250", "1000", "123456"]


def test_a_text_that_is_cut_says_so() -> None:
    assert texts.cut("abcdef", 6) == "abcdef"
    assert texts.cut("abcde fg", 7) == "abcde…"


@given(st.text())
def test_what_a_user_has_typed_stays_in_its_quotes(typed: str) -> None:
    quoted = texts.code(typed)
    assert quoted.count("`") == 2
    assert quoted[0] == quoted[-1] == "`"
    assert len(quoted) > 2
    assert quoted.isprintable()


def test_a_table_is_aligned_and_has_no_blanks_at_the_ends_of_lines() -> None:
    assert texts.table(("day", "n"), [("a", "10"), ("bcde", "")]) == ["day    n", "a     10", "bcde"]
