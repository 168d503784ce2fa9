"""`no_leaks` over the files with a known answer."""

from __future__ import annotations

import importlib.metadata
import re

import pytest

from tests.shared import FOLDER, shared_file
from tests.unit.profiling.pytest_plugin.pytests import outcomes, run

pytestmark = pytest.mark.slow

CORPUS = sorted(path.name for path in (FOLDER / "leaks").glob("*.py")) if FOLDER.exists() else []

MARKED = """

import pytest

@pytest.mark.no_leaks
@pytest.mark.asyncio
async def test_job():
    await job()
"""


@pytest.mark.parametrize("name", CORPUS or ["leaks"])
def test_marker_catches_each_leaking_file_at_its_line_and_passes_each_stable_one(
    name: str, pytester: pytest.Pytester
) -> None:
    text = shared_file(f"leaks/{name}").read_text()
    result = run(pytester, text + MARKED, "--memory", plugins=("asyncio",), name="test_corpus")
    verdict = re.search(r'^VERDICT = "(\w+)"', text, re.MULTILINE)
    assert verdict is not None
    assert outcomes(result) == {"test_job": "PASSED" if verdict[1] == "stable" else "FAILED"}
    if verdict[1] == "leaking":
        line = 1 + text[: text.index("# <- retained here")].count("\n")
        if name == "frame_history.py" and importlib.metadata.version("pandas") >= "3":
            line += 1  # from pandas 3 on a frame copies its array: what stays is made on the next line
        result.stdout.re_match_lines([rf"the test keeps .* at test_corpus\.py:{line}\b.*"])
    elif verdict[1] == "native_growth":
        result.stdout.re_match_lines([r"the C heap grows by .*a C library keeps the memory.*"])
