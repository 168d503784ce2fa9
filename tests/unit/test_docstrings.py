"""Docstrings of functions say in the imperative what they do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
NO_VERBS = {
    *("a", "all", "an", "as", "at", "by", "from", "how", "in", "no", "not", "of", "one", "that", "the", "to"),
    *("what", "where", "whether", "which", "who"),
}


def docstrings_of_functions() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each."""
    for path in sorted(path for package in ("profiling", "volaris") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", text


def test_docstrings_of_functions_begin_with_no_other_word_than_a_verb() -> None:
    """As far as a list of words can tell: the rules of ruff pass over nouns, articles and properties."""
    assert [place for place, text in docstrings_of_functions() if text.split()[0].lower() in NO_VERBS] == []
