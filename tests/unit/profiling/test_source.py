"""A source line in words: file, function and text."""

from __future__ import annotations

import asyncio
import os
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from profiling import source
from profiling.source import Place, SourceReader, functions_and_texts, innermost_user_frame, is_user_code, short_path

CODE = '''"""Module."""
import os

CONSTANT = [
    1,
    2,
]


def one(): return []


if CONSTANT:
    TOP = {}


class Outer(dict):
    field = """text
def not_a_function(): pass
"""

    @property
    @staticmethod
    def method(
        self,
    ):
        # a comment
        values = [
            item
            for item in self
        ]

        def inner():
            return {**self}

        async def later(): await inner()
        return values

    class Nested:
        def deep(self): return [lambda: ()]

    last = ()


after = f"{CONSTANT!r}"
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "code.py"
    path.write_text(CODE)
    return path


def line(text: str) -> int:
    (number,) = [number for number, found in enumerate(CODE.splitlines(), 1) if found.strip() == text]
    return number


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("import os", "<module>"),
        ("2,", "<module>"),
        ("def one(): return []", "<module>"),
        ("TOP = {}", "<module>"),
        ("@property", "Outer"),
        ("def not_a_function(): pass", "Outer"),
        ("for item in self", "Outer.method"),
        ("return {**self}", "Outer.method.<locals>.inner"),
        ("return values", "Outer.method"),
        ("def deep(self): return [lambda: ()]", "Outer.Nested"),
        ("last = ()", "Outer"),
        ('after = f"{CONSTANT!r}"', "<module>"),
    ],
)
def test_function_of_a_line_is_the_block_it_stands_in(file: Path, text: str, function: str) -> None:
    number = line(text)
    functions, texts = functions_and_texts(str(file), {number})
    assert functions == {number: function}
    assert texts == {number: text}


def test_each_line_of_a_file_is_found_in_one_reading(file: Path) -> None:
    wanted = set(range(1, len(CODE.splitlines()) + 10))
    functions, _ = functions_and_texts(str(file), wanted)
    blank = {number for number, text in enumerate(CODE.splitlines(), 1) if not text.strip() or text.strip()[0] == "#"}
    assert set(functions) == set(range(1, len(CODE.splitlines()) + 1)) - blank


@pytest.mark.parametrize(
    "content", [b"def f(:\n  (((", b"\xff\xfe\x00", b"# coding: nonsense\nx = 1\n", b"if x:\n  a\n b\n"]
)
def test_file_that_is_no_python_has_no_functions(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "code.py"
    path.write_bytes(content)
    (place,) = SourceReader().places([(str(path), 99)]).values()
    assert place == Place(str(path), None, None)


def test_file_that_is_not_there_has_its_name_all_the_same() -> None:
    key = ("<string>", 3)
    assert SourceReader().places([key]) == {key: Place("<string>", None, None)}


def test_places_are_kept_and_old_ones_make_room(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "CACHED_LINES", 2)
    reader = SourceReader()
    keys = [(str(file), number) for number in (2, 4, 5)]
    first = reader.places(keys)
    assert [first[key].source for key in keys] == ["import os", "CONSTANT = [", "1,"]
    file.unlink()
    again = reader.places(keys)
    assert [again[key].source for key in keys] == [None, "CONSTANT = [", "1,"]


def test_questions_at_once_read_a_file_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = []
    read, together = source.functions_and_texts, threading.Barrier(4)

    def counted(path: str, lines: set[int]) -> tuple[dict[int, str], dict[int, str]]:
        readings.append(path)
        return read(path, lines)

    def ask() -> Place:
        together.wait(timeout=10)
        return reader.places([(str(file), 2)])[str(file), 2]

    monkeypatch.setattr(source, "functions_and_texts", counted)
    reader = SourceReader()
    with ThreadPoolExecutor(4) as threads:
        places = [asked.result(timeout=10) for asked in [threads.submit(ask) for _ in range(4)]]
    assert {place.source for place in places} == {"import os"}
    assert readings == [str(file)]


def test_text_of_a_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text("x = '" + "y" * 500 + "'\n")
    (place,) = SourceReader().places([(str(path), 1)]).values()
    assert place.source is not None
    assert len(place.source) == 200


def test_path_is_told_from_the_top_package_down(tmp_path: Path) -> None:
    package = tmp_path / "top" / "sub"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    assert short_path(str(package / "code.py")) == "top/sub/code.py"
    assert short_path(str(package / "__init__.py")) == "top/sub/__init__.py"


def test_path_outside_a_package_is_told_from_the_import_path_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert short_path(str(tmp_path / "one.py")) == str(tmp_path / "one.py")
    monkeypatch.setattr(sys, "path", ["", str(tmp_path.parent), str(tmp_path)])
    assert short_path(str(tmp_path / "other.py")) == "other.py"
    assert short_path(asyncio.events.__file__) == "asyncio/events.py"
    assert short_path("<frozen abc>") == "<frozen abc>"


def test_folders_of_the_standard_library_are_those_that_sysconfig_names() -> None:
    named = {f"{sysconfig.get_path(kind)}{os.sep}" for kind in ("stdlib", "platstdlib")}
    assert set(source.LIBRARIES) == named


def test_what_the_profiler_allocates_is_not_of_the_line_that_called_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "is_user_code", lambda path: path == "/shop/jobs.py")  # the profiler is installed
    ours, library = (f"{source.PROFILER_FILES}run.py", 7), (asyncio.__file__, 5)
    assert innermost_user_frame((library, ours, ("/shop/jobs.py", 3))) == ours
    assert innermost_user_frame((library, ("/shop/jobs.py", 4), ours, ("/shop/jobs.py", 3))) == ("/shop/jobs.py", 4)


def test_users_site_is_the_innermost_frame_that_is_neither_installed_nor_the_standard_librarys() -> None:
    library, installed = (asyncio.__file__, 5), (pytest.__file__, 7)
    mine, caller = (__file__, 3), ("/elsewhere/main.py", 9)
    assert innermost_user_frame((library, installed, mine, caller)) == mine
    assert innermost_user_frame((library, ("<string>", 1), installed)) == library
    paths = (library[0], installed[0], __file__, "<frozen abc>")
    assert [is_user_code(path) for path in paths] == [False, False, True, False]
