"""The markers as a user has them: a file of tests, and pytest over it."""

from __future__ import annotations

import re

import pytest

from profiling.pytest_plugin import OPTIONS, option
from tests.shared import FOLDER, shared_file

CORPUS = sorted(path.name for path in (FOLDER / "leaks").glob("*.py")) if FOLDER.exists() else []

TESTS = """
import asyncio
import pytest

kept = []

def helper(count):
    return [bytes(967) for _ in range(count)]

@pytest.mark.memory_limit("2 MB")
def test_small():
    assert len(helper(1_000)) == 1_000

@pytest.mark.memory_limit("2 MB")
def test_large():
    helper(4_000)

@pytest.mark.no_leaks
def test_steady():
    helper(100)

@pytest.mark.no_leaks
def test_leaks():
    kept.append(helper(50))

@pytest.mark.no_leaks(tolerance="1 MB")
def test_leaks_less_than_is_tolerated():
    kept.append(helper(50))

@pytest.mark.no_leaks
@pytest.mark.parametrize("count", [30])
def test_leaks_with_an_argument(count):
    kept.append(helper(count))

@pytest.mark.memory_limit("2 MB")
@pytest.mark.no_leaks
def test_fails():
    assert 1 == 2

async_kept = []

@pytest.mark.no_leaks
@pytest.mark.asyncio
async def test_async_leaks():
    await asyncio.sleep(0)
    async_kept.append(helper(50))

@pytest.mark.memory_limit("2 MB")
@pytest.mark.asyncio
async def test_async_large():
    await asyncio.sleep(0)
    helper(4_000)

def test_unmarked():
    kept.append(helper(4_000))
"""


def run(pytester: pytest.Pytester, *arguments: str, text: str = TESTS) -> pytest.RunResult:
    pytester.makepyfile(test_memory=text)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, "-rA", "-q")


@pytest.mark.timeout(120)
def test_markers_catch_what_goes_over_or_leaks_and_pass_the_rest(pytester: pytest.Pytester) -> None:
    text = run(pytester, "--memory").stdout.str()
    found = {
        name: outcome for outcome, name in re.findall(r"^(PASSED|FAILED) test_memory\.py::(\w+)", text, re.MULTILINE)
    }
    assert found == {
        "test_small": "PASSED",
        "test_large": "FAILED",
        "test_steady": "PASSED",
        "test_leaks": "FAILED",
        "test_leaks_less_than_is_tolerated": "PASSED",
        "test_leaks_with_an_argument": "FAILED",
        "test_fails": "FAILED",
        "test_async_leaks": "FAILED",
        "test_async_large": "FAILED",
        "test_unmarked": "PASSED",
    }
    # From the line's start: where `CI` is set the summary says it all again.
    over = r"limited to 1\.9 MiB, reached 3\.\d MiB; 3\.\d MiB at test_memory\.py:7\b"
    assert len(re.findall(rf"^{over}", text, re.MULTILINE)) == 2
    told = r"^keeps 4\d\.\d KiB a run over 20 runs, tolerated are 3\.9 KiB; 4\d\.\d KiB at test_memory\.py:7;"
    assert len(re.findall(told, text, re.MULTILINE)) == 2
    assert "assert 1 == 2" in text


def test_markers_mean_nothing_where_nobody_asks(pytester: pytest.Pytester) -> None:
    run(pytester).assert_outcomes(passed=9, failed=1)


ONE = """
import pytest
kept = []

@pytest.mark.no_leaks
def test_leaks():
    kept.append(bytes(20_000))
"""


WAYS = ["command line", "environment", "ini"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory", "true"),
        ("memory_leak_runs", "9"),
        ("memory_leak_warmup", "3"),
        ("memory_leak_tolerance", "30 KB"),
    ],
)
def test_each_option_is_read_from_everywhere(
    way: str, name: str, value: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    if way == "environment":
        monkeypatch.setenv(name.upper(), value)
    elif way == "ini":
        pytester.makeini(f"[pytest]\n{name} = {value}\n")
    else:
        flag = f"--{name.replace('_', '-')}"
        given = [flag] if name == "memory" else [f"{flag}={value}"]
    config = pytester.parseconfigure(*given)
    assert {other: option(config, other) for other in OPTIONS} == {
        other: default for other, (default, _) in OPTIONS.items()
    } | {name: value}


def test_command_line_goes_before_the_environment_and_that_before_the_ini_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\nmemory_leak_runs = 5\n")
    assert option(pytester.parseconfigure(), "memory_leak_runs") == "5"
    monkeypatch.setenv("MEMORY_LEAK_RUNS", "6")
    assert option(pytester.parseconfigure(), "memory_leak_runs") == "6"
    assert option(pytester.parseconfigure("--memory-leak-runs=7"), "memory_leak_runs") == "7"


@pytest.mark.parametrize(("tolerance", "outcome"), [("30 KB", "passed"), ("10 KB", "failed")])
def test_tolerance_of_the_environment_decides(
    tolerance: str, outcome: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY", "yes")
    monkeypatch.setenv("MEMORY_LEAK_TOLERANCE", tolerance)
    run(pytester, text=ONE).assert_outcomes(**{outcome: 1})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("--memory-leak-runs=none", "memory_leak_runs must be a whole number from 1 to 10000, and is 'none'"),
        ("--memory-leak-warmup=0", "memory_leak_warmup must be a whole number from 1 to 10000, and is '0'"),
        ("--memory-leak-tolerance=much", "memory_leak_tolerance: 'much' is not a size"),
    ],
)
def test_option_that_does_not_fit_stops_the_session(given: str, told: str, pytester: pytest.Pytester) -> None:
    done = run(pytester, given, text=ONE)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert told in done.stderr.str()


MARKED = """
import asyncio
import inspect

import pytest

@pytest.mark.no_leaks
def test_job():
    result = job()
    if inspect.isawaitable(result):
        asyncio.run(result)
"""


@pytest.mark.parametrize("name", CORPUS or ["leaks"])
def test_marker_catches_each_leaking_file_of_the_corpus_and_passes_the_others(
    name: str, pytester: pytest.Pytester
) -> None:
    text = shared_file(f"leaks/{name}").read_text()
    marked = "\n" + MARKED
    stable = '\nVERDICT = "stable"\n' in text
    run(pytester, "--memory", text=text + marked).assert_outcomes(**{"passed" if stable else "failed": 1})
