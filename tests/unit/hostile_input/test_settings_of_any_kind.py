"""Settings: texts near those that fit, and files of any bytes."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.process import usage
from tests.unit.hostile_input.changes import damaged
from tests.unit.volaris.settings.test_values import FITS
from volaris.errors import SettingError
from volaris.settings import Settings, variables
from volaris.settings.environment import environment_with_file

FILE = (
    b"# volaris\nPORT=8081\nexport DEBUG_TOKEN='hunter2'\nDATABASE_URL=\"postgresql://u:p@db/x\"\nPROFILING = lines\n"
)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(["9" * 5_000, "1e400", "-0", "0x10", "1_0", "٣", "1e-320", "nan", "-inf", "", "\0"]),
)


@st.composite
def near(draw: st.DrawFn) -> tuple[str, str]:
    """A field and a text that is nearly one that fits."""
    field, rows = draw(st.sampled_from([item for item in FITS.items() if item[1]]))
    text, _ = draw(st.sampled_from(rows))
    return field, draw(damaged(text.encode())).decode(errors="surrogateescape")


def load(field: str, text: str) -> Any:
    """The field's value, or the refusal in one line that names the variable."""
    name = variables()[field].name
    try:
        return getattr(Settings.load({name: text}), field)
    except SettingError as error:
        refusal = error
    assert refusal.variable == name
    assert len(str(refusal).splitlines()) == 1
    return None


@given(near())
def test_text_near_one_that_fits_is_taken_or_refused_in_one_line(case: tuple[str, str]) -> None:
    load(*case)


@given(st.sampled_from(list(variables())), NUMBERS)
def test_number_that_is_taken_is_finite(field: str, text: str) -> None:
    value = load(field, text)
    assert not isinstance(value, int | float) or (math.isfinite(value) and value >= 0)


@given(NUMBERS)
def test_memory_limit_that_is_taken_is_one(text: str) -> None:
    limit_mb = load("memory_limit_mb", text)
    assert usage.memory_limit(limit_mb).limit_bytes >= 1


@pytest.mark.parametrize("field", ["memory_limit_mb", "profiling_budget_mb"])
def test_megabytes_end_where_no_machine_has_more(field: str) -> None:
    assert load(field, "1000000000") == 10**9
    assert load(field, "1000000000.1") is None
    assert load(field, "1.7e308") is None


@given(st.binary(max_size=200) | damaged(FILE))
def test_file_of_any_bytes_is_read_or_refused_by_its_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.env"
    file.write_bytes(content)
    try:
        values = environment_with_file(file)
    except SettingError as error:
        assert str(error).startswith(str(file))  # noqa: PT017 - either outcome is right
    else:
        with suppress(SettingError):
            Settings.load({name: text for name, text in values.items() if name in {"PORT", "DEBUG_TOKEN", "PROFILING"}})


def test_folder_whose_name_no_system_takes_is_refused() -> None:
    assert load("data_dir", "a\0b") is None
    assert load("data_dir", "a b") == Path("a b")
