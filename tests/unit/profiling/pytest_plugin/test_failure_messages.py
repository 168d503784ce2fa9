"""What the markers print: sizes in the user's units, that parse back, and sentences with lines."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.pytest_plugin.failure_messages import format_leak_failure, format_limit_failure, place
from profiling.pytest_plugin.peak import Peak
from profiling.pytest_plugin.sizes import Size, format_decimal
from profiling.records import SiteKey, SiteTable, State, Suspect, Verdict
from profiling.source import SourceReader
from profiling.units import parse_bytes

SIZES = st.integers(0, 10**16)
ROUNDING = 0.06  # of the unit that it was printed in: one place


@given(SIZES, st.booleans())
def test_size_that_is_printed_is_parsed(size_bytes: int, is_decimal: bool) -> None:
    shown = str(Size(size_bytes, is_decimal=is_decimal))
    again = Size.parse(shown)
    assert str(again) == shown or shown.endswith(" B"), "nothing is lost by the second time"
    unit_bytes = parse_bytes(f"1 {shown.split()[1]}")
    assert abs(again.size_bytes - size_bytes) <= (ROUNDING * unit_bytes if unit_bytes > 1 else 0)


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (24_000_000, "24.0 MB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_decimal_sizes(size_bytes: int, shown: str) -> None:
    assert format_decimal(size_bytes) == shown


@pytest.mark.parametrize(
    ("text", "size_bytes", "shown"),
    [
        ("24 MB", 24_000_000, "24.0 MB"),
        ("24 MiB", 25_165_824, "24.0 MiB"),
        ("24mb", 24_000_000, "24.0 MB"),
        (" 1.5KiB ", 1_536, "1.5 KiB"),
        ("512", 512, "512 B"),
        ("0", 0, "0 B"),
        ("+4 kb", 4_000, "4.0 KB"),
    ],
)
def test_answer_is_in_the_units_of_the_question(text: str, size_bytes: int, shown: str) -> None:
    size = Size.parse(text)
    assert size.size_bytes == size_bytes
    assert str(size) == shown


@pytest.mark.parametrize(
    ("text", "told"), [("much", "'much' is not a size"), ("-1 KB", "'-1 KB' is a negative size; write 0 or more")]
)
def test_what_is_no_size_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Size.parse(text)


def peak(size_bytes: int, *held: tuple[str, int, int], why: str | None = None) -> Peak:
    table = SiteTable.from_rows([((file, line), size, 1) for file, line, size in held])
    return Peak(size_bytes=size_bytes, held=None if why else table, why=why)


places_of = SourceReader().places
LIMIT = Size.parse("24 MB")


def test_limit_tells_what_was_reached_and_by_which_lines() -> None:
    told = format_limit_failure(peak(31_200_000, ("b.py", 12, 12_300_000), ("a.py", 88, 18_900_000)), LIMIT, places_of)
    assert told == "the test reached 31.2 MB, over the limit of 24.0 MB; 18.9 MB at a.py:88; 12.3 MB at b.py:12"


def test_lines_beyond_the_third_and_what_is_not_known_are_elsewhere() -> None:
    lines = [("a.py", number, 6_000_000) for number in range(1, 6)]
    assert format_limit_failure(peak(30_000_000, *lines), LIMIT, places_of) == (
        "the test reached 30.0 MB, over the limit of 24.0 MB; "
        "6.0 MB at a.py:1; 6.0 MB at a.py:2; 6.0 MB at a.py:3; 12.0 MB elsewhere"
    )


def test_lines_below_what_estimates_can_tell_are_not_told() -> None:
    told = format_limit_failure(peak(30_000_000, ("a.py", 1, 28_500_000), ("b.py", 2, 1_500_000)), LIMIT, places_of)
    assert told == "the test reached 30.0 MB, over the limit of 24.0 MB; 28.5 MB at a.py:1"


def test_peak_that_prints_like_the_limit_is_told_by_what_it_has_more() -> None:
    assert format_limit_failure(peak(24_000_007, ("a.py", 1, 24_000_000)), LIMIT, places_of) == (
        "the test reached 7 B more than the limit of 24.0 MB; 24.0 MB at a.py:1"
    )


def test_peak_without_lines_says_why() -> None:
    assert format_limit_failure(peak(30_000_000, why="the sampler is not built"), LIMIT, places_of) == (
        "the test reached 30.0 MB, over the limit of 24.0 MB; the lines are not known, because the sampler is not built"
    )


def verdict(state: State, bytes_per_run: float, *suspects: tuple[SiteKey, float]) -> Verdict:
    return Verdict(
        state=state,
        reason="it grows",
        runs=20,
        bytes_per_run=bytes_per_run,
        interval_bytes=None,
        forecast=None,
        suspects=tuple(Suspect(site=site, bytes_per_run=size, stack=(site,)) for site, size in suspects),
    )


TOLERANCE = Size.parse("4 KB")


def test_leak_tells_what_is_kept_and_its_lines() -> None:
    told = format_leak_failure(
        verdict(State.LEAKING, 51_200, (("a.py", 88), 49_000), (("b.py", 3), 2_200)), TOLERANCE, places_of
    )
    assert told == (
        "the test keeps 51.2 KB per run over 20 runs, over the tolerance of 4.0 KB; "
        "49.0 KB at a.py:88; 2.2 KB at b.py:3"
    )


def test_text_of_each_line_that_is_named_and_can_be_read_stands_below() -> None:
    here, line = __file__, verdict.__code__.co_firstlineno
    where = f"tests/unit/profiling/pytest_plugin/test_failure_messages.py:{line}"
    text = "def verdict(state: State, bytes_per_run: float, *suspects: tuple[SiteKey, float]) -> Verdict:"
    told = format_leak_failure(
        verdict(State.LEAKING, 51_200, ((here, line), 49_000), (("b.py", 3), 2_200)), TOLERANCE, places_of
    )
    assert told.splitlines()[1:] == [f"  {where}  {text}"]
    told = format_limit_failure(peak(30_000_000, ("b.py", 1, 12_000_000), (here, line, 18_000_000)), LIMIT, places_of)
    assert told.splitlines()[1:] == [f"  {where}  {text}"]


def test_leak_without_a_line_says_so() -> None:
    assert format_leak_failure(verdict(State.LEAKING, 51_200), TOLERANCE, places_of) == (
        "the test keeps 51.2 KB per run over 20 runs, over the tolerance of 4.0 KB; no single line stands out"
    )


def test_native_growth_says_why_it_has_no_line() -> None:
    assert format_leak_failure(verdict(State.NATIVE_GROWTH, 1_000_000), TOLERANCE, places_of) == (
        "the C heap grows by 1.0 MB per run over 20 runs, over the tolerance of 4.0 KB; "
        "Python's heap does not grow, so a C library keeps the memory, and no line is known"
    )


def test_place_is_short() -> None:
    assert place((module_file(), 8)) == "profiling/pytest_plugin/failure_messages.py:8"


def module_file() -> str:
    from profiling.pytest_plugin import failure_messages

    return str(failure_messages.__file__)
