"""What stands at a source line: the function around it, its text, and a short name of its file.

Read from the files when a report is made, never while a job runs. Blocking: call it in a thread.
"""

from __future__ import annotations

import os
import sys
import tokenize
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from profiling.forks import ForkLock
from profiling.records import SiteKey

PROFILER_FILES = f"{Path(__file__).parent}{os.sep}"
"""Where the profiler's own code is: what is allocated from there is its own."""

PASSAGES = (
    "decorated.py",
    f"samples{os.sep}threads.py",
    f"web{os.sep}mounting.py",
    *(f"{room}{os.sep}" for room in ("launch", "asgi", "wsgi")),
)
PASSAGE_FILES = tuple(PROFILER_FILES + name for name in PASSAGES)
"""Files of the profiler that only call the program: what is allocated below them is the program's."""

MAX_SOURCE_CHARS = 200
CACHED_LINES = 4_096  # about 300 bytes each


@dataclass(frozen=True, slots=True)
class Place:
    """A source line in words. Function and text are None if the file cannot be read."""

    file: str  # from the top package down, or relative to the import path
    function: str | None  # qualified within the module; "<module>" at its top level
    source: str | None  # stripped, at most 200 characters


class SourceReader:
    """Looks lines up, and keeps what it found of the most recent ones. Several threads may ask at once."""

    def __init__(self) -> None:
        self._places: OrderedDict[SiteKey, Place] = OrderedDict()
        # Held while files are read: sixteen questions at once about one run would each read the same files, and all of
        # them wait for the last.
        self._lock = ForkLock()

    def places(self, keys: Iterable[SiteKey]) -> Mapping[SiteKey, Place]:
        """Return the place of each key. Each file is read once, up to the last line of it that is wanted."""
        wanted = list(dict.fromkeys(keys))
        with self._lock:
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
    except (OSError, SyntaxError, ValueError, tokenize.TokenError):
        functions, texts = {}, {}
    return {(path, line): Place(file, functions.get(line), texts.get(line)) for line in lines}


def functions_and_texts(path: str, lines: set[int]) -> tuple[dict[int, str], dict[int, str]]:
    """Return the qualified function of each line that holds code, and the stripped text of each that the file has.

    A line belongs to the function in whose block it stands. A lambda, a comprehension and the body of a one-line `def`
    belong to the function around them. One pass over the file's tokens ends after the last line: no tree is built, and
    other threads get their turn. Raises OSError, SyntaxError, tokenize.TokenError or ValueError (bytes that are
    no text, a path that cannot be one) for what is not readable Python.
    """
    last = max(lines)
    functions: dict[int, str] = {}
    texts: dict[int, str] = {}
    scopes = _Scopes()
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(_noting(source, lines, texts).__next__):
            if token.start[0] > last:
                break
            scopes.see(token)
            for line in range(token.start[0], token.end[0] + 1):
                if line in lines and line not in functions and token.type not in _INVISIBLE:
                    functions[line] = scopes.name
    return functions, texts


def _noting(source: Iterable[str], lines: set[int], texts: dict[int, str]) -> Iterator[str]:
    """Pass lines on and note the wanted ones. Not from the tokens: theirs are cut at more than a file's line ends."""
    for number, text in enumerate(source, start=1):
        if number in lines:
            texts[number] = text.strip()[:MAX_SOURCE_CHARS]
        yield text


_INVISIBLE = {
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.ENDMARKER,
    tokenize.COMMENT,
}


class _Scopes:
    """Follows `def` and `class` through the tokens."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str, bool]] = []  # indentation, name, is a function
        self._depth = 0
        self._pending: str | None = None  # after `def` or `class`, before the name
        self._opened: tuple[str, bool] | None = None  # named, its block not begun
        self._after_newline = False

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

    def _see_name(self, name: str) -> None:
        if self._pending:
            self._opened = (name, self._pending == "def")
            self._pending = None
        elif name in {"def", "class"}:
            self._pending = name


def innermost_user_frame(frames: tuple[SiteKey, ...]) -> SiteKey:
    """Return the innermost frame outside the standard library and installed packages, else the innermost of all.

    A frame of the profiler's, which is installed too, is returned if it comes first: what the profiler allocates on
    behalf of a line is not the line's.
    """
    return next(
        (frame for frame in frames if is_user_code(frame[0]) or frame[0].startswith(PROFILER_FILES)),
        frames[0],
    )


@lru_cache(maxsize=4_096)
def is_user_code(path: str) -> bool:
    """Return whether a file is the user's: neither in the standard library, nor installed, nor made up like `<string>`.

    Of what is installed, the packages that were claimed are the user's.
    """
    if path.startswith("<"):
        return False
    package = top_package(path)
    return not path.startswith(LIBRARIES) if package is None else package in _claimed


def top_package(path: str) -> str | None:
    """Return the top package, or the module, of a file that is installed, or None for a file that is not."""
    parts = Path(path).parts
    installed = [number for number, part in enumerate(parts) if part in INSTALLED]
    return parts[installed[-1] + 1] if installed else None


def add_user_packages(*packages: str) -> None:
    """Take these top packages as the user's own, though they are installed, as a service is in its container."""
    _claimed.update(packages)
    is_user_code.cache_clear()


_claimed: set[str] = set()

# As `sysconfig.get_path` says for "stdlib" and "platstdlib"; it would load 0.2 MB of the interpreter's build settings.
LIBRARIES = tuple(
    f"{folder}{os.sep}"
    for folder in (
        Path(os.__file__).parent,
        Path(sys.exec_prefix, sys.platlibdir, "python{}.{}".format(*sys.version_info)),
    )
)
INSTALLED = {"site-packages", "dist-packages"}


@lru_cache(maxsize=1_024)
def short_path(path: str) -> str:
    """Return a path from its top package down (`volaris/jobs/prices.py`), else from the import path, else whole."""
    file = Path(path)
    if not file.is_absolute():
        return path
    top = file.parent
    # Not Path.exists, which raises for a path that is closed to us or too long. A package in the root has no parent.
    while top != top.parent and os.path.exists(top / "__init__.py"):  # noqa: PTH110
        top = top.parent
    if top != file.parent:
        return str(file.relative_to(top))
    # Programs put Path objects there too, though the import system passes them by.
    for entry in sorted(filter(os.path.isabs, map(str, sys.path)), key=len, reverse=True):
        if file.is_relative_to(entry):
            return str(file.relative_to(entry))
    return path
