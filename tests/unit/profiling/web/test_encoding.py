"""Both encoders write the same document, so that a service without orjson keeps the contract."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest

from profiling.records import Level
from profiling.web.encoding import dumps, plain_dumps

DOCUMENT = {
    "text": "ünïcode \U0001f40d",
    "level": Level.SAMPLES,
    "at": datetime(2026, 8, 3, 16, 0, 0, 5, tzinfo=UTC),
    "none": None,
    "numbers": [1, 2.5, -0.0, 2**53],
    "of_many": ("a", True),
}


def test_both_encoders_write_the_same_document() -> None:
    assert json.loads(plain_dumps(DOCUMENT)) == json.loads(dumps(DOCUMENT))


def test_figure_that_is_not_finite_is_null_by_both() -> None:
    document = {"figures": [math.inf, -math.inf, math.nan, 1.5], "at": DOCUMENT["at"]}
    assert json.loads(plain_dumps(document)) == json.loads(dumps(document))
    assert json.loads(plain_dumps(document))["figures"] == [None, None, None, 1.5]


def test_text_that_is_no_utf_8_is_escaped_by_both() -> None:
    assert dumps({"path": "/\udcff"}) == plain_dumps({"path": "/\udcff"}) == b'{"path":"/\\udcff"}'


@pytest.mark.parametrize("encode", [plain_dumps, dumps])
def test_what_is_not_part_of_json_is_refused(encode: type) -> None:
    with pytest.raises(TypeError, match="set is not part of JSON"):
        encode({"set": {1}})
