"""The form of the corpus: what each file has to say about itself, read without importing it."""

from __future__ import annotations

import ast
import pathlib
import re
from typing import Any

import pytest

FOLDER = pathlib.Path(__file__).parent
TOOLS = {"__init__", "score", "test_corpus", "traffic", "truth"}
FILES = sorted(file for file in FOLDER.glob("*.py") if file.stem not in TOOLS)
LEAKS = [file for file in FILES if not file.stem.endswith("_ok")]
INNOCENTS = [file for file in FILES if file.stem.endswith("_ok")]
MARK = "# <- retained here"

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
every_leak = pytest.mark.parametrize("file", LEAKS, ids=lambda file: file.stem)
every_innocent = pytest.mark.parametrize("file", INNOCENTS, ids=lambda file: file.stem)


def constants(file: pathlib.Path) -> dict[str, Any]:
    """Return a file's constants: names in capitals, set to a literal."""
    found = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


def test_there_are_at_least_forty_and_half_of_them_leak() -> None:
    assert len(FILES) >= 40
    assert abs(len(LEAKS) - len(INNOCENTS)) <= 2


@every_file
def test_a_file_tells_what_it_does_what_it_needs_and_what_was_measured(file: pathlib.Path) -> None:
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    assert re.search(r"^needs: .+$", docstring, re.MULTILINE)
    assert re.search(r"^Measured: \d", docstring, re.MULTILINE)


@every_file
def test_a_file_has_a_job_without_arguments(file: pathlib.Path) -> None:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    jobs = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "job"]
    assert [len(ast.unparse(job.args)) for job in jobs] == [0]


@every_leak
def test_a_leak_tells_its_pace_and_marks_the_lines_that_allocate(file: pathlib.Path) -> None:
    told = constants(file)
    assert told["VERDICT"] in {"leaking", "native_growth"}
    assert 10_000 <= told["BYTES_PER_RUN"] <= 1_100_000
    assert (MARK in file.read_text(encoding="utf-8")) != ("RETAINED_BY" in told)


@every_innocent
def test_an_innocent_tells_by_which_run_it_is_full(file: pathlib.Path) -> None:
    told = constants(file)
    assert told["VERDICT"] == "stable"
    assert 0 <= told["FILLS_BY_RUN"] <= 90
    assert MARK not in file.read_text(encoding="utf-8")


@every_file
def test_needed_packages_are_pinned(file: pathlib.Path) -> None:
    needs = re.search(r"^needs: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert needs is not None
    pinned = re.findall(r"^([\w.-]+)==", (FOLDER / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if needs[1] != "nothing beside the standard library":
        assert {name.strip() for name in needs[1].split(",")} <= set(pinned)
