"""Sizes as text and back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profiling.units import MB, format_bytes, format_change, parse_bytes, to_mb


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (40 * 1024, "40.0 KiB"),
        (1_048_524, "1023.9 KiB"),
        (1_048_525, "1.0 MiB"),
        (1_887_437, "1.8 MiB"),
        (3 << 30, "3.0 GiB"),
        (5 << 40, "5.0 TiB"),
        (5 << 50, "5120.0 TiB"),
        (-1536, "-1.5 KiB"),
    ],
)
def test_a_size_is_printed_in_the_largest_unit_that_leaves_it_at_one_or_more(size_bytes: int, text: str) -> None:
    assert format_bytes(size_bytes) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "+0 B"), (512, "+512 B"), (1_887_437, "+1.8 MiB"), (-512, "-512 B"), (-2048, "-2.0 KiB")],
)
def test_a_change_always_has_a_sign(size_bytes: int, text: str) -> None:
    assert format_change(size_bytes) == text


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("512", 512),
        ("0", 0),
        ("7 B", 7),
        ("4 KB", 4_000),
        ("24 MB", 24_000_000),
        ("2 GB", 2_000_000_000),
        ("1TB", 1_000_000_000_000),
        ("4 KiB", 4_096),
        ("10.0MiB", 10_485_760),
        ("10MiB", 10_485_760),
        ("1GiB", 1_073_741_824),
        ("1 tib", 1_099_511_627_776),
        ("  1.5 kB ", 1_500),
        ("+1.0 KiB", 1_024),
        ("-1.0 KiB", -1_024),
        ("0.3 KiB", 307),
    ],
)
def test_decimal_and_binary_units_are_parsed(text: str, size_bytes: int) -> None:
    assert parse_bytes(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "MB", "ten MB", "10 XB", "1e3", "1.", ".5 MB", "1,000", "1 2", "--1", "٣ MB", "nan"]
)
def test_what_is_not_a_size_is_refused_with_what_fits(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a size; write a number .* '24 MB' .*B, KiB, MiB, GiB, TiB, KB, MB, GB, TB"
    ):
        parse_bytes(text)


def test_the_error_shows_the_beginning_of_a_long_text_only() -> None:
    with pytest.raises(ValueError, match=r"^'x{40}\.\.\.' is not a size"):
        parse_bytes("x" * 10_000)


@given(st.integers(min_value=-(1 << 62), max_value=1 << 62))
@example(1_048_575)
@example(-1_048_575)
@example((1 << 40) - 1)
def test_what_is_printed_is_parsed_and_printed_again_the_same(size_bytes: int) -> None:
    for form in (format_bytes, format_change):
        text = form(size_bytes)
        parsed_bytes = parse_bytes(text)
        assert form(parsed_bytes) == text
        assert abs(parsed_bytes - size_bytes) <= abs(size_bytes) * 0.05 + 1


@given(st.text(max_size=60))
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        parse_bytes(text)
    except ValueError as error:
        assert "is not a size" in str(error)  # noqa: PT017 - either outcome is right


def test_a_mb_is_a_binary_one_to_two_places() -> None:
    assert to_mb(MB) == 1.0
    assert to_mb(512 << 20) == 512.0
    assert to_mb(444_020_000) == 423.45
    assert to_mb(0) == 0.0
