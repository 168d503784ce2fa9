"""What is at a source line: the function around it, its text, and a short name of its file.

Files are read when a report is made, never while a job runs. Reading blocks, so call this in a thread.
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
"""The directory of the profiler's own code; memory that is allocated from there is the profiler's own."""

PASSAGES = (
    "decorated.py",
    f"samples{os.sep}threads.py",
    f"web{os.sep}mounting.py",
    *(f"{room}{os.sep}" for room in ("launch", "asgi", "wsgi")),
)
PASSAGE_FILES = tuple(PROFILER_FILES + name for name in PASSAGES)
"""Files of the profiler that only call the program; memory that is allocated below them is the program's."""

MAX_SOURCE_CHARS = 200
CACHED_LINES = 4_096  # lines that are cached, about 300 bytes each


@dataclass(frozen=True, slots=True)
class Place:
    """A source line as text. Function and source are None if the file cannot be read."""

    file: str  # path from the top package, or relative to the import path
    function: str | None  # qualified name within the module; "<module>" at the top level
    source: str | None  # stripped, at most 200 characters


class SourceReader:
    """Looks lines up, and caches the most recent ones. Several threads may use it at once."""

    def __init__(self) -> None:
        self._places: OrderedDict[SiteKey, Place] = OrderedDict()
        # Held while files are read. Otherwise sixteen simultaneous requests about one run would each read the same
        # files, and all would wait for the last.
        self._lock = ForkLock()

    def places(self, keys: Iterable[SiteKey]) -> Mapping[SiteKey, Place]:
        """Return the place of each key. Each file is read once, up to the last line that is needed."""
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
    """Return the qualified function of each line that has code, and the stripped text of each line.

    A line belongs to the function whose block it is in. A lambda, a comprehension and the body of a one-line `def`
    belong to the function around them. The file's tokens are read once, up to the last needed line. No syntax tree is
    built, and other threads get their turn. Raises OSError, SyntaxError, tokenize.TokenError or ValueError (bytes that
    are not text, an impossible path) if the file is not readable Python.
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
    """Pass lines on, and store the wanted ones. Tokens cannot be used, because they split lines at more characters."""
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
        self._stack: list[tuple[int, str, bool]] = []  # indentation, name, whether it is a function
        self._depth = 0
        self._pending: str | None = None  # after `def` or `class`, before the name
        self._opened: tuple[str, bool] | None = None  # name of the scope whose block has not begun
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
            self._opened = None  # a body on the same line as its `def` has no block
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
    """Return the innermost frame outside the standard library and installed packages, or the innermost frame of all.

    If a frame of the profiler, which is installed too, comes first, it is returned, because memory that the profiler
    allocates on behalf of a line does not belong to the line.
    """
    return next(
        (frame for frame in frames if is_user_code(frame[0]) or frame[0].startswith(PROFILER_FILES)),
        frames[0],
    )


@lru_cache(maxsize=4_096)
def is_user_code(path: str) -> bool:
    """Return whether a file is the user's: not in the standard library, not installed, and not like `<string>`.

    Of installed packages, those passed to `add_user_packages` count as the user's.
    """
    if path.startswith("<"):
        return False
    package = top_package(path)
    return not path.startswith(LIBRARIES) if package is None else package in _claimed


def top_package(path: str) -> str | None:
    """Return the top package or module of an installed file, or None for a file that is not installed."""
    parts = Path(path).parts
    installed = [number for number, part in enumerate(parts) if part in INSTALLED]
    return parts[installed[-1] + 1] if installed else None


def add_user_packages(*packages: str) -> None:
    """Treat these installed top packages as the user's own code, as for a service in its container."""
    _claimed.update(packages)
    is_user_code.cache_clear()


_claimed: set[str] = set()

# As `sysconfig.get_path` returns it for "stdlib" and "platstdlib", but that loads 0.2 MB of build settings.
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
    """Return a path from its top package (`volaris/jobs/prices.py`), else from the import path, else unchanged."""
    file = Path(path)
    if not file.is_absolute():
        return path
    top = file.parent
    # Path.exists would raise for an unreadable or too long path. A package in the root directory has no parent.
    while top != top.parent and os.path.exists(top / "__init__.py"):  # noqa: PTH110
        top = top.parent
    if top != file.parent:
        return str(file.relative_to(top))
    # Programs put Path objects on the import path too, although the import system ignores them.
    for entry in sorted(filter(os.path.isabs, map(str, sys.path)), key=len, reverse=True):
        if file.is_relative_to(entry):
            return str(file.relative_to(entry))
    return path
