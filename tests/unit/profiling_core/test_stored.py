"""Records that are written as JSON are the same ones when they are read."""

from __future__ import annotations

from array import array
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.errors import BadRecord
from profiling.records import Checked, RunDiff, RunProfile, SiteTable, Verdict
from profiling.stored import dumps, loads
from tests.unit.profiling_data.make import run

WHOLE = st.integers(-(2**62), 2**62)
REAL = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, REAL)
SITES = st.lists(st.tuples(st.tuples(st.text(max_size=20), WHOLE), WHOLE, WHOLE, REAL), max_size=5)


def table(rows: list[tuple[tuple[str, int], int, int, float]], *, estimated: bool) -> SiteTable:
    return SiteTable(
        tuple(row[0] for row in rows),
        array("q", [row[1] for row in rows]),
        array("q", [row[2] for row in rows]),
        array("d", [row[3] for row in rows]) if estimated else None,
    )


st.register_type_strategy(SiteTable, st.builds(table, SITES, estimated=st.booleans()))
st.register_type_strategy(int, WHOLE)
MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(st.builds(RunProfile, started_at=MOMENTS))
def test_any_run_survives(made: RunProfile) -> None:
    assert loads(RunProfile, dumps(made)) == made


@given(st.from_type(Verdict))
def test_any_verdict_survives(verdict: Verdict) -> None:
    assert loads(Verdict, dumps(verdict)) == verdict


@given(st.builds(RunDiff, run=st.builds(RunProfile, started_at=MOMENTS), against=st.just(run(1))))
def test_any_comparison_survives(diff: RunDiff) -> None:
    assert loads(RunDiff, dumps(diff)) == diff


@given(st.from_type(Checked))
def test_any_check_survives(checked: Checked) -> None:
    assert loads(Checked, dumps(checked)) == checked


@given(st.text())
def test_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(BadRecord, match="this is no stored RunProfile: "):
        loads(RunProfile, text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"id":7', '"id":"7"'),
        ('"id":7,', ""),
        ('"level":"lines"', '"level":"rows"'),
        ('"started_at":"', '"started_at":"x'),
        ('"duration_s":0.25', '"duration_s":"long"'),
    ],
)
def test_field_that_does_not_fit_is_refused(old: str, new: str) -> None:
    text = dumps(run(7))
    assert old in text
    with pytest.raises(BadRecord, match="this is no stored RunProfile"):
        loads(RunProfile, text.replace(old, new, 1))
