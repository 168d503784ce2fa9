"""Stored runs: whatever stands in the text is a run that can be shown and stored again, or a BadRecord."""

from __future__ import annotations

import json
from array import array
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from profiling.errors import BadRecord
from profiling.records import RunProfile, SiteTable
from profiling.render.json import run_to_dict
from profiling.stored import dumps, loads
from tests.unit.outside_data.changes import as_json, changed, damaged
from tests.unit.profiling_data.make import run

TABLE = SiteTable((("/a.py", 1), ("/b.py", 2)), array("q", [10, 20]), array("q", [1, 2]), array("d", [0.5, 1.5]))
TEXT = dumps(run(7, {("/gone/a.py", 7): (1_000, 4), ("/gone/b.py", 1): (10, 1)}))
DOCUMENT: Any = json.loads(TEXT)


def check(text: str) -> None:
    with suppress(BadRecord):
        loaded = loads(RunProfile, text)
        assert loads(RunProfile, dumps(loaded)) == loaded


@given(changed(DOCUMENT).map(as_json).map(bytes.decode))
def test_run_with_values_removed_replaced_or_doubled(text: str) -> None:
    check(text)


@given(damaged(TEXT.encode()))
def test_run_with_damaged_bytes(body: bytes) -> None:
    check(body.decode(errors="replace"))


@given(changed(json.loads(dumps(TABLE)) | {"keys": [["/a.py", 1], ["/b.py", 2]]}))
def test_table_of_lines_with_values_removed_replaced_or_doubled(document: Any) -> None:
    with suppress(BadRecord):
        loaded = loads(SiteTable, json.dumps(document))
        assert len(list(loaded.rows())) == len(loaded)
        assert loads(SiteTable, dumps(loaded)) == loaded


def test_run_of_these_tests_is_a_good_one() -> None:
    assert run_to_dict(loads(RunProfile, TEXT))["id"] == 7


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"duration_s":0.25', '"duration_s":NaN'),
        ('"duration_s":0.25', '"duration_s":1e999'),
        ('"duration_s":0.25', '"duration_s":' + "9" * 400),
        ('"overlapped_with":[]', '"overlapped_with":"ab"'),
        ('"overlapped_with":[]', '"overlapped_with":{"a":1}'),
        ('"overlapped_with":[]', '"overlapped_with":' + "[" * 100_000),
    ],
    ids=["NaN", "infinity", "huge", "text for a list", "object for a list", "nested"],
)
def test_value_that_dumps_does_not_write_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(BadRecord, match="this is no stored RunProfile"):
        loads(RunProfile, TEXT.replace(old, new, 1))


@pytest.mark.parametrize("name", ["sizes", "counts", "errors"])
def test_table_whose_columns_differ_in_length_is_refused(name: str) -> None:
    document = json.loads(dumps(TABLE))
    document[name].append(3)
    with pytest.raises(BadRecord, match="columns of different lengths"):
        loads(SiteTable, json.dumps(document))


@pytest.mark.parametrize("value", [2**63, 1.5, "1", None, True])
def test_size_that_its_column_does_not_hold_is_refused(value: object) -> None:
    document = json.loads(dumps(TABLE))
    document["sizes"][0] = value
    with pytest.raises(BadRecord, match="this is no stored SiteTable"):
        loads(SiteTable, json.dumps(document))
