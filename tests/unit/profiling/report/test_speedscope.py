"""The document for speedscope as JSON."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from profiling.report.speedscope import PIECE, to_json


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=40,
    )
)
@example({"samples": [[number, "é"] for number in range(2 * PIECE + 1)]})
def test_json_in_pieces_is_the_same(document: object) -> None:
    assert to_json(document) == json.dumps(document)
