"""`--memory-report`: an HTML file for each measured test."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from profiling.pytest_plugin.reports import MAX_NAME, file_name
from profiling.samples import sampler
from tests.unit.profiling.pytest_plugin.pytests import outcomes, run

needs_sampler = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
MEASURED = """
import pytest

seen = []

def helper(count):
    return [bytes(967) for _ in range(count)]

@pytest.mark.memory_limit("2 MB")
def test_over():
    helper(4_000)

@pytest.mark.memory_limit("9 MB")
def test_below():
    helper(4_000)

@pytest.mark.no_leaks
def test_leaks():
    seen.append(bytes(50_000))

@pytest.mark.no_leaks
@pytest.mark.asyncio
async def test_async_leaks():
    seen.append(bytes(50_000))

def test_benchmark(memory_benchmark):
    memory_benchmark(helper, 4_000)

def test_unmarked():
    helper(4_000)
"""
PLUGINS = ("benchmark", "asyncio")
SHORT = ("--benchmark-max-time=0.001", "--benchmark-min-rounds=1")


def sentence_of(path: Path) -> str:
    found = re.search(r'<h1 id="sentence">(.*?)</h1>', path.read_text())
    assert found
    return found[1]


def largest_stack(path: Path) -> list[str]:
    """The functions of the largest stack, outermost first."""
    found = re.search(r'id="answers">(.*?)</script>', path.read_text(), re.DOTALL)
    assert found
    stacks = json.loads(found[1])["memory/stacks"]
    return [stacks["frames"]["function"][number] for number in stacks["stacks"]["frames"][0]]


@needs_sampler
def test_each_measured_test_has_a_report_that_names_the_line(pytester: pytest.Pytester) -> None:
    result = run(pytester, MEASURED, "--memory", "--memory-report=out", *SHORT, "--junitxml=j.xml", plugins=PLUGINS)
    assert outcomes(result) == {
        "test_over": "FAILED",
        "test_below": "PASSED",
        "test_leaks": "FAILED",
        "test_async_leaks": "FAILED",
        "test_benchmark": "PASSED",
        "test_unmarked": "PASSED",
    }
    told = {path.name.split("-")[1]: path for path in sorted((pytester.path / "out").iterdir())}
    assert told.keys() == {"test_over", "test_below", "test_leaks", "test_async_leaks", "test_benchmark"}
    for name in ("test_over", "test_below", "test_benchmark"):
        assert told[name].name.endswith(".peak.html")
        size = re.fullmatch(
            r"([\d.]+) MB were alive at the peak\. test_memory\.py:7 held most, .*", sentence_of(told[name])
        )
        assert size
        assert 3.2 < float(size[1]) < 4.6
        assert largest_stack(told[name])[:1] == [name]  # without the frames of pytest
    for name, line in (("test_leaks", 19), ("test_async_leaks", 24)):
        assert told[name].name.endswith(".runs.html")
        assert re.search(rf"test leaks (4|5)\d KB per run at test_memory\.py:{line}\.$", sentence_of(told[name]))
    assert "memory: 5 reports in " in result.stdout.str()
    assert re.search(r"-+ Captured memory report call -+\n.*test_leaks-\w+\.runs\.html\n", result.stdout.str())
    properties = ElementTree.parse(pytester.path / "j.xml").iter("property")
    assert {each.get("value") for each in properties} == {str(path) for path in told.values()}


def test_without_the_option_nothing_is_written(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_one():\n    pass\n", "--memory")
    assert [path.suffix for path in pytester.path.rglob("*.html")] == []
    assert "report" not in result.stdout.str()


def test_folder_that_cannot_be_made_stops_the_session(pytester: pytest.Pytester) -> None:
    (pytester.path / "taken").write_text("")
    result = run(pytester, "def test_one():\n    pass\n", "--memory-report=taken")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "the folder for memory reports cannot be made" in result.stderr.str()


def test_name_of_a_file_is_readable_short_and_different_for_each_test() -> None:
    first, second = (
        file_name("tests/a/test_b.py::TestC::test_d[x/y 1]"),
        file_name("tests/e/test_b.py::TestC::test_d[x/y 1]"),
    )
    assert first != second
    assert first.startswith("test_b.py-TestC-test_d-x-y-1-")
    assert len(file_name("x" * 500)) == MAX_NAME + 9
