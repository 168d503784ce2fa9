"""Functions and texts of lines, held against what the compiler says of real modules, and against hostile files."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
import sys
import textwrap
import threading
import typing
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from profiling import source
from profiling.source import MAX_SOURCE_CHARS, Place, SourceReader, functions_and_texts, short_path

MODULES = [asyncio.base_events, asyncio.tasks, dataclasses, json.encoder, textwrap, typing, threading, source]
# Lambdas and comprehensions count to the function around them.
INNER = re.compile(r"(?:^|\.<locals>\.|\.)<(?:lambda|listcomp|setcomp|dictcomp|genexpr)>.*")
# So do annotations, which are code of their own from Python 3.14 on (PEP 649); but dataclasses writes such a function.
ANNOTATIONS = re.compile(r"(?:^|\.<locals>\.|\.)__annotate__$")


def code_of(module: ModuleType) -> tuple[str, CodeType]:
    path = str(module.__file__)
    return path, compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)


def compiled_functions(code: CodeType) -> Iterator[tuple[int, str]]:
    """Each line with the function whose code it makes, from the compiler; several where functions share a line."""
    for _, _, line in code.co_lines():
        if line:
            function = INNER.sub("", code.co_qualname)
            yield line, function or "<module>"
            if ANNOTATIONS.search(function):
                yield line, ANNOTATIONS.sub("", function) or "<module>"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from compiled_functions(constant)


def numbered(path: Path | str) -> dict[int, str]:
    return dict(enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1))


def read(folder: Path, code: str | bytes) -> tuple[dict[int, str], dict[int, str]]:
    """Functions and texts of all lines of a file with that code, and of ten lines after its end."""
    path = folder / "code.py"
    path.write_bytes(code if isinstance(code, bytes) else code.encode())
    return functions_and_texts(str(path), set(range(1, path.read_bytes().count(b"\n") + 11)))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.__name__))
def test_function_of_every_line_with_code_is_the_compilers(module: ModuleType) -> None:
    path, code = code_of(module)
    functions_at: dict[int, set[str]] = {}
    for line, function in compiled_functions(code):
        functions_at.setdefault(line, set()).add(function)
    functions, texts = functions_and_texts(path, set(functions_at))
    lines = numbered(path)
    assert not {line: found for line, found in functions.items() if found not in functions_at[line]}
    assert functions.keys() == functions_at.keys()
    assert texts == {line: lines[line].strip()[:MAX_SOURCE_CHARS] for line in functions_at}


def test_line_asked_for_alone_is_told_as_in_one_reading() -> None:
    path = str(textwrap.__file__)
    functions, texts = functions_and_texts(path, set(numbered(path)))
    for line in sorted(texts)[::7]:
        alone = functions_and_texts(path, {line})
        assert alone == ({line: functions[line]} if line in functions else {}, {line: texts[line]})


@pytest.mark.parametrize(
    ("code", "functions"),
    [
        pytest.param("def f(): return 1\nif f:\n    x\n", {1: "<module>", 2: "<module>", 3: "<module>"}, id="one line"),
        pytest.param("def f(\n): pass\nwith x:\n    y", {1: "<module>", 3: "<module>", 4: "<module>"}, id="one body"),
        pytest.param("class A: x = 1\nfor i in j:\n    k\n", {1: "<module>", 2: "<module>", 3: "<module>"}, id="class"),
        pytest.param("class A:\n\tdef f(self):\n\t\treturn 1\n\tx = 2\n", {2: "A", 3: "A.f", 4: "A"}, id="tabs"),
        pytest.param("async def f():\n  async with a:\n    await b\n  c\n", {2: "f", 3: "f", 4: "f"}, id="async"),
        pytest.param("f = lambda: [\n  1\n]\n", {1: "<module>", 2: "<module>", 3: "<module>"}, id="lambda"),
        pytest.param("@d(\n 1)\ndef f(\n  a=(),\n):\n  b\n", {1: "<module>", 4: "<module>", 6: "f"}, id="decorator"),
        pytest.param("def f():  # why\n\n  # how\n    # no\n  x\n", {1: "<module>", 5: "f"}, id="comments"),
        pytest.param("def f():\n  x\n# c\n  y\n# d\nz\n", {2: "f", 4: "f", 6: "<module>"}, id="comment at the margin"),
        pytest.param("def f():\n  x = 1 + \\\n    g()\n  y\n", {2: "f", 3: "f", 4: "f"}, id="backslash"),
        pytest.param(
            "def f():\n  class A:\n    def g(self):\n      x\n", {3: "f.<locals>.A", 4: "f.<locals>.A.g"}, id="A"
        ),
        pytest.param("def f():\r\n    x\r\ny\r\n", {1: "<module>", 2: "f", 3: "<module>"}, id="CRLF"),
        pytest.param("def f():\n    x", {1: "<module>", 2: "f"}, id="no line end at the end"),
        pytest.param("", {}, id="empty"),
    ],
)
def test_function_is_the_innermost_block_that_is_one(tmp_path: Path, code: str, functions: dict[int, str]) -> None:
    found, _ = read(tmp_path, code)
    assert {line: found[line] for line in functions} == functions
    assert max(found, default=0) == max(functions, default=0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_type_parameters_are_no_part_of_the_name(tmp_path: Path) -> None:
    functions, _ = read(tmp_path, "def f[T](x: T) -> T:\n    return x\nclass A[T]:\n    x = 1\n")
    assert functions == {1: "<module>", 2: "f", 3: "<module>", 4: "A"}


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("\fdef f():\n\f    return 1\nx = 1 \f+ 2\n", {1: "def f():", 2: "return 1", 3: "x = 1 \f+ 2"}),
        ('x = "a\u2028b"\ny = "\x0b\x1c\x85"\n', {1: 'x = "a\u2028b"', 2: 'y = "\x0b\x1c\x85"'}),
        ('x = """a\u2028z\nb""", c\ny = 1\n', {1: 'x = """a\u2028z', 2: 'b""", c', 3: "y = 1"}),
        ('x = f("""a\nb""", c,\n      d)\n', {1: 'x = f("""a', 2: 'b""", c,', 3: "d)"}),
        ('x = f"""a\n{b}\n{c +\n d}""" + e\n', {1: 'x = f"""a', 2: "{b}", 3: "{c +", 4: 'd}""" + e'}),
        ("# coding: latin-1\nx = 'é'\n".encode("latin-1"), {1: "# coding: latin-1", 2: "x = 'é'"}),
        (b"\xef\xbb\xbfx = 1\n", {1: "x = 1"}),
        (b"x = 1\r\ny = 2\rz = 3\n", {1: "x = 1", 2: "y = 2", 3: "z = 3"}),
        ("x = 1\n\n", {1: "x = 1", 2: ""}),
    ],
)
def test_text_is_the_line_of_the_file_whatever_stands_in_it(
    tmp_path: Path, code: str | bytes, texts: dict[int, str]
) -> None:
    assert read(tmp_path, code)[1] == texts


def test_text_is_cut_after_200_characters(tmp_path: Path) -> None:
    _, texts = read(tmp_path, f"x = {'1' * 196}\ny = {'1' * 197}\n")
    assert texts == {1: f"x = {'1' * 196}", 2: f"y = {'1' * 196}"}


@pytest.mark.parametrize(
    "path", ["/no/such/file.py", "/", "<string>", "", "/a\0b.py", "/\ud800/b.py", f"/{'a' * 300}/b.py"]
)
def test_path_of_which_nothing_can_be_read_is_told_as_it_is(path: str) -> None:
    assert SourceReader().places([(path, 1)]) == {(path, 1): Place(path, None, None)}


def test_file_with_bytes_that_are_no_text_has_no_functions(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_bytes(b"def f():\n    return 1\nx = '\xff'\n")
    (place,) = SourceReader().places([(str(path), 3)]).values()
    assert (place.function, place.source) == (None, None)


def test_file_is_read_once_for_all_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_files: list[tuple[str, set[int]]] = []

    def noting(path: str, lines: set[int]) -> tuple[dict[int, str], dict[int, str]]:
        read_files.append((path, lines))
        return {}, {}

    monkeypatch.setattr(source, "functions_and_texts", noting)
    reader = SourceReader()
    reader.places([("b.py", 1), ("a.py", 1), ("b.py", 2), ("b.py", 1)])
    reader.places([("b.py", 2), ("b.py", 3)])
    assert read_files == [("b.py", {1, 2}), ("a.py", {1}), ("b.py", {3})]


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """Short paths are found anew in the test, and again after it."""
    short_path.cache_clear()
    yield
    short_path.cache_clear()


@pytest.mark.usefixtures("nothing_remembered")
def test_package_in_the_root_ends_the_search_for_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "exists", lambda _path: True)
    monkeypatch.setattr(sys, "path", [])
    assert short_path("/top/code.py") == "top/code.py"
    assert short_path("/code.py") == "/code.py"


@pytest.mark.usefixtures("nothing_remembered")
@pytest.mark.parametrize("entries", [*permutations([b"/outer/inner", Path("/outer"), "/outer/inner"])])
def test_path_is_told_from_the_longest_entry_of_the_import_path_which_may_hold_what_is_no_text(
    monkeypatch: pytest.MonkeyPatch, entries: tuple[object, ...]
) -> None:
    monkeypatch.setattr(sys, "path", list(entries))
    assert short_path("/outer/inner/code.py") == "code.py"
    assert short_path("/outer/other/code.py") == "other/code.py"
    assert short_path("/elsewhere/code.py") == "/elsewhere/code.py"
