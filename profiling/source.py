"""What stands at a source line: the function around it, its text, and a short name of its file.

Read from the files when a report is made, never while a job runs. Blocking: call it in a thread.
"""

from __future__ import annotations

import os
import sys
import tokenize
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from profiling.records import SiteKey

MAX_SOURCE_CHARS = 200
CACHED_LINES = 4_096  # about 300 bytes each


@dataclass(frozen=True, slots=True)
class Place:
    """A source line in words. Function and text are None where the file cannot be read."""

    file: str  # from the top package down, or relative to the import path
    function: str | None  # qualified within the module; "<module>" at its top level
    source: str | None  # stripped, at most 200 characters


class SourceReader:
    """Looks lines up, and keeps what it found of the most recent ones."""

    def __init__(self) -> None:
        self._places: OrderedDict[SiteKey, Place] = OrderedDict()

    def places(self, keys: Iterable[SiteKey]) -> Mapping[SiteKey, Place]:
        """The place of each key. Each file is read once, up to the last line that is wanted of it."""
        wanted = list(dict.fromkeys(keys))
        found = {key: self._places[key] for key in wanted if key in self._places}
        missing: dict[str, set[int]] = {}
        for path, line in wanted:
            if (path, line) not in found:
                missing.setdefault(path, set()).add(line)
        for path, lines in missing.items():
            found.update(_read(path, lines))
        for key in wanted:
            self._places[key] = found[key]
            self._places.move_to_end(key)
        while len(self._places) > CACHED_LINES:
            self._places.popitem(last=False)
        return found


def _read(path: str, lines: set[int]) -> dict[SiteKey, Place]:
    file = short_path(path)
    try:
        functions, texts = functions_and_texts(path, lines)
    except (OSError, SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        functions, texts = {}, {}
    return {(path, line): Place(file, functions.get(line), texts.get(line)) for line in lines}


def functions_and_texts(path: str, lines: set[int]) -> tuple[dict[int, str], dict[int, str]]:
    """Qualified function and stripped text of each of these lines that the file has.

    One pass over the file's tokens that ends after the last line: no tree is built, and other threads get their turn.
    Raises OSError, SyntaxError or tokenize.TokenError for what is not readable Python.
    """
    last, functions, texts = max(lines), {}, {}
    scopes = _Scopes()
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.start[0] > last and scopes.at_statement:
                break
            scopes.see(token)
            for line in range(token.start[0], token.end[0] + 1):
                if line in lines and line not in functions and token.type not in _INVISIBLE:
                    functions[line] = scopes.name
                    texts[line] = _line_of(token, line)[:MAX_SOURCE_CHARS]
    return functions, texts


_INVISIBLE = {
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.ENDMARKER,
    tokenize.COMMENT,
}


def _line_of(token: tokenize.TokenInfo, line: int) -> str:
    """The text of one of the lines that a token spans; tokens carry all of theirs."""
    texts = token.line.splitlines()
    index = line - token.start[0]
    return texts[index].strip() if index < len(texts) else ""


class _Scopes:
    """Follows `def` and `class` through the tokens."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str, bool]] = []  # indentation, name, is a function
        self._depth = 0
        self._pending: str | None = None  # after `def` or `class`, before the name
        self._opened: tuple[str, bool] | None = None  # named, its block not begun
        self._after_newline = False
        self.at_statement = True

    @property
    def name(self) -> str:
        names = []
        for depth, (_, name, is_function) in enumerate(self._stack):
            names.append(name)
            if is_function and depth < len(self._stack) - 1:
                names.append("<locals>")
        return ".".join(names) or "<module>"

    def see(self, token: tokenize.TokenInfo) -> None:
        if self._after_newline and token.type not in {tokenize.INDENT, tokenize.NL, tokenize.COMMENT}:
            self._opened = None  # a body on the line of its `def` has no block
        if token.type == tokenize.INDENT:
            self._depth += 1
            if self._opened:
                self._stack.append((self._depth, *self._opened))
                self._opened = None
        elif token.type == tokenize.DEDENT:
            self._depth -= 1
            while self._stack and self._stack[-1][0] > self._depth:
                self._stack.pop()
        elif token.type == tokenize.NAME:
            self._see_name(token.string)
        if token.type not in {tokenize.NL, tokenize.COMMENT}:
            self._after_newline = token.type == tokenize.NEWLINE
        self.at_statement = token.type in {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}

    def _see_name(self, name: str) -> None:
        if self._pending:
            self._opened = (name, self._pending == "def")
            self._pending = None
        elif name in {"def", "class"}:
            self._pending = name


@lru_cache(maxsize=1_024)
def short_path(path: str) -> str:
    """A file's path from its top package down (`volaris/jobs/prices.py`), else from the import path, else whole."""
    file = Path(path)
    if not file.is_absolute():
        return path
    top = file.parent
    while (top / "__init__.py").exists():
        top = top.parent
    if top != file.parent:
        return str(file.relative_to(top))
    for entry in sorted(filter(os.path.isabs, sys.path), key=len, reverse=True):
        if file.is_relative_to(entry):
            return str(file.relative_to(entry))
    return path
