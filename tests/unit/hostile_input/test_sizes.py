"""Sizes and limits that somebody writes."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profiling.process import usage
from profiling.units import parse_bytes

NUMBERS = st.text("0123456789.+-eE_ ٣", max_size=70)
UNITS = st.sampled_from(["", "B", "kb", "MiB", "TiB", "TB", "PB", " ", "µB"])


@given(st.builds("{}{}".format, NUMBERS, UNITS) | st.text(max_size=80))
@example("9" * 62 + "TB")
@example("0." + "9" * 60 + "B")
def test_text_like_a_size_is_one_or_an_error_that_names_it(text: str) -> None:
    try:
        size = parse_bytes(text)
    except ValueError as error:
        assert str(error).startswith(repr(text if len(text) <= 40 else text[:40] + "...")[:-4])  # noqa: PT017
    else:
        assert abs(size) < 10**76


@pytest.mark.parametrize(
    "text",
    ["9" * 2_000_000, "9" * 900_000 + " TB", "1" + " " * 200_000 + "!", " " * 200_000, "0." + "1" * 900_000],
    ids=["overflow", "digits", "blanks", "nothing else", "places"],
)
def test_long_text_is_refused_at_once(text: str) -> None:
    began_s = time.process_time()
    with pytest.raises(ValueError, match="is not a size"):
        parse_bytes(text)
    assert time.process_time() - began_s < 0.1


@pytest.mark.parametrize("text", ["9" * 64, " " * 63 + "7"])
def test_size_of_64_characters_is_read(text: str) -> None:
    assert parse_bytes(text) == pytest.approx(int(text), rel=1e-27)
    with pytest.raises(ValueError, match="is not a size"):
        parse_bytes(f" {text}")


@given(st.floats())
def test_any_number_is_a_limit_of_a_byte_or_more_or_a_value_error(limit_mb: float) -> None:
    try:
        limit = usage.memory_limit(limit_mb)
    except ValueError as error:
        assert f"a memory limit of {limit_mb} MB" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert limit.limit_bytes >= 1
        assert usage.memory_usage(limit).percent > 0


@pytest.mark.parametrize("limit_mb", [math.nan, math.inf, 1.7e308])
def test_limit_that_is_not_finite_in_bytes_is_refused(limit_mb: float) -> None:
    with pytest.raises(
        ValueError, match=r"^a memory limit of \S+ MB limits nothing; leave it out to use the container's limit"
    ):
        usage.memory_limit(limit_mb)


def test_limit_of_less_than_a_byte_is_one_of_a_byte() -> None:
    assert usage.memory_limit(1e-9).limit_bytes == 1
