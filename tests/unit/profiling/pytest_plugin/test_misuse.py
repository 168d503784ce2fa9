"""What asks for checks and gets none is told, once; with pytest-xdist in the session's own terminal."""

from __future__ import annotations

import re

import pytest

from profiling.pytest_plugin.sizes import parse_limit
from tests.unit.profiling.pytest_plugin.pytests import outcomes, run

MARKED = """
import pytest

@pytest.mark.memory_limit("2 MB")
def test_one():
    pass

@pytest.mark.no_leaks
def test_two():
    pass

def test_three():
    pass
"""
NOT_CHECKED = (
    "memory: 2 tests with memory_limit or no_leaks were not checked; give --memory to check them, "
    "or set memory = false in the ini file"
)
BENCHMARKS = """
def test_four(memory_benchmark):
    memory_benchmark(sorted, [2, 1])

def test_five(memory_benchmark):
    memory_benchmark(sorted, [2, 1])
"""


def told(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """What a session of this process says of memory."""
    pytester.makepyfile(test_memory=MARKED)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PROFILING_PYTEST", raising=False)
    result = pytester.runpytest_inprocess("-p", "profiling", "-p", "no:cacheprovider", *arguments)
    result.assert_outcomes(passed=result.parseoutcomes()["passed"])
    return [line for line in result.outlines if line.startswith("memory: ")]


def test_markers_that_are_not_heeded_are_told_once(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(pytester, monkeypatch) == [NOT_CHECKED]


@pytest.mark.parametrize("arguments", [["-k", "three"], ["-o", "memory=false"]])
def test_nothing_is_told_where_no_marked_test_runs_or_that_is_meant(
    arguments: list[str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(pytester, monkeypatch, *arguments) == []


@pytest.mark.parametrize(
    ("flags", "does"),
    [
        (["--memory-limit", "1 MB"], "--memory-limit does"),
        (["--memory-leak-runs", "9", "--memory-limit", "1 MB"], "--memory-limit and --memory-leak-runs do"),
        (["--memory-leak-tolerance", "1 MB", "-o", "memory=false"], "--memory-leak-tolerance does"),
    ],
)
def test_flag_without_effect_is_told(
    flags: list[str], does: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(pytester, monkeypatch, *flags) == [f"memory: {does} nothing without --memory, so no test was checked"]


def test_marker_that_does_not_fit_stops_a_session_of_workers_in_one_line(pytester: pytest.Pytester) -> None:
    text = MARKED.replace('"2 MB"', "24")
    result = run(pytester, text, "--memory", "-n", "2", plugins=("xdist.plugin",))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        "ERROR: test_memory.py::test_one: memory_limit: 24 is 24 bytes; write '24 MB' if you mean MB, else '24 B'"
    )
    assert "INTERNALERROR" not in result.stdout.str()


def test_session_of_workers_says_what_was_not_checked_and_not_measured(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        MARKED + BENCHMARKS.replace("test_", "test_benchmark_"),
        "-n",
        "2",
        plugins=("xdist.plugin", "benchmark"),
    )
    assert set(outcomes(result).values()) == {"PASSED"}
    assert [line for line in result.outlines if line.startswith(("memory: ", "not measured"))] == [
        (
            "not measured, because pytest-benchmark switches itself off in workers of pytest-xdist "
            "(give -n 0 to measure them): 2"
        ),
        NOT_CHECKED,
    ]


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("24", "24 is 24 bytes; write '24 MB' if you mean MB, else '24 B'"),
        (" 63999 ", "63999 is 63999 bytes; write '63999 MB' if you mean MB, else '63999 B'"),
        ("0 MB", "'0 MB' leaves a test no memory; write a size above 0, like '24 MB'"),
        ("0", "'0' leaves a test no memory; write a size above 0, like '24 MB'"),
    ],
)
def test_limit_that_cannot_be_meant_is_refused_with_what_to_write(text: str, refusal: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(refusal)}"):
        parse_limit(text)


@pytest.mark.parametrize(("text", "size_bytes"), [("24 B", 24), ("64000", 64_000), ("1 KB", 1_000)])
def test_small_limit_is_accepted_with_its_unit(text: str, size_bytes: int) -> None:
    assert parse_limit(text).size_bytes == size_bytes
