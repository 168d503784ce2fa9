"""A griffe extension: the comment behind a field or a constant documents it, as for readers of the code."""

from __future__ import annotations

import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import griffe


class CommentsAsDocstrings(griffe.Extension):
    """Give attributes without a docstring the comment at the end of their line."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Document one attribute."""
        if attr.docstring is None and isinstance(attr.filepath, Path) and attr.endlineno is not None:
            comment = comments(attr.filepath).get(attr.endlineno)
            if comment is not None:
                attr.docstring = griffe.Docstring(comment, lineno=attr.endlineno, parent=attr)


@cache
def comments(path: Path) -> Mapping[int, str]:
    """Return a file's comments by line, each as a sentence; those for tools are left out."""
    return dict(_comments(path))


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            text = token.string.removeprefix("#").strip()
            if token.type == tokenize.COMMENT and text and not text.startswith(("noqa", "type:")):
                yield token.start[0], f"{text[0].upper()}{text[1:]}."
