"""`memory_benchmark` as a user has it, beside pytest-benchmark."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from profiling.pytest_plugin.checks import NOISE_BLOCKS, NOISE_BYTES
from profiling.units import format_bytes, parse_bytes
from tests.unit.profiling.pytest_plugin.pytests import outcomes, run

SHORT = ("--benchmark-max-time=0.001", "--benchmark-min-rounds=1")

KNOWN = """
import asyncio
import json
import pytest

kept = []
turns = []

def takes(size_bytes, count=1):
    rows = [bytes(size_bytes - 33) for _ in range(count)]
    return len(rows)

def keeps(size_bytes):
    kept.append(bytes(size_bytes - 33))

async def takes_async(size_bytes):
    rows = [bytes(967) for _ in range(size_bytes // 1_000)]
    await asyncio.sleep(0)
    return len(rows)

def test_peak(memory_benchmark):
    assert memory_benchmark(takes, 1_000, count=2_000) == 2_000

def test_retained(memory_benchmark):
    memory_benchmark(keeps, 100_000)

def test_async(memory_benchmark):
    assert memory_benchmark(takes_async, 2_000_000) == 2_000

def test_library(memory_benchmark):
    memory_benchmark(json.loads, json.dumps(list(range(1_000, 21_000))))

def test_pedantic(memory_benchmark):
    def setup():
        turns.append("up")
        return (bytearray(3_000_000),), {"count": 2}

    def teardown(rows, count):
        turns.append("down")
        turns.append([bytes(967) for _ in range(500)])

    def grow(rows, count):
        return [bytes(rows) for _ in range(count)]

    result = memory_benchmark.pedantic(grow, setup=setup, teardown=teardown, rounds=2)
    assert len(result) == 2
    assert turns[0::3] == ["up"] * 10
    assert turns[1::3] == ["down"] * 10

def test_pedantic_with_arguments(memory_benchmark):
    assert memory_benchmark.pedantic(takes, args=(1_000,), kwargs={"count": 1_000}) == 1_000
"""


def saved(pytester: pytest.Pytester) -> dict[str, dict[str, Any]]:
    """What the saved runs have of each test's memory, the last of them by name."""
    (*_, path) = sorted(Path(pytester.path, ".benchmarks").rglob("*.json"))
    benchmarks = json.loads(path.read_text())["benchmarks"]
    return {benchmark["name"]: benchmark["extra_info"]["memory"] for benchmark in benchmarks}


def test_saved_runs_carry_what_a_function_takes_and_keeps(pytester: pytest.Pytester) -> None:
    result = run(pytester, KNOWN, *SHORT, "--benchmark-save=one", plugins=("benchmark",))
    assert set(outcomes(result).values()) == {"PASSED"}
    memory = saved(pytester)
    truth = {  # bytes at the peak, and bytes and blocks that a run keeps
        "test_peak": (2_000_000, 0, 0),
        "test_retained": (100_000, 100_000, 1),
        "test_async": (2_000_000, 0, 0),
        "test_library": (20_000 * (28 + 8), 0, 0),
        "test_pedantic": (6_000_000, 0, 0),
        "test_pedantic_with_arguments": (1_000_000, 0, 0),
    }
    assert memory.keys() == truth.keys()
    for name, (peak_bytes, retained_bytes, blocks) in truth.items():
        figures = memory[name]
        assert figures["peak_bytes"] == pytest.approx(peak_bytes, rel=0.05), name
        assert figures["retained_bytes"] == pytest.approx(retained_bytes, abs=NOISE_BYTES), name
        # In a mean over two runs an event loop sometimes has one block more than the noise that a comparison allows.
        assert figures["blocks"] == pytest.approx(blocks, abs=4 * NOISE_BLOCKS), name
    lines = {name: figures["peak_lines"][0] for name, figures in memory.items()}
    assert {name: (line["file"], line["line"]) for name, line in lines.items()} == {
        "test_peak": ("test_memory.py", 10),
        "test_retained": ("test_memory.py", 14),
        "test_async": ("test_memory.py", 17),
        "test_library": ("test_memory.py", 31),
        "test_pedantic": ("test_memory.py", 43),
        "test_pedantic_with_arguments": ("test_memory.py", 10),
    }
    assert lines["test_peak"]["function"] == "takes"
    assert lines["test_peak"]["source"] == "rows = [bytes(size_bytes - 33) for _ in range(count)]"
    assert lines["test_peak"]["size_bytes"] == pytest.approx(2_000_000, rel=0.2)
    assert [line["line"] for line in memory["test_retained"]["retained_lines"]] == [14]
    result.stdout.re_match_lines([r"\s+peak +retained +blocks  most at the peak"])
    row = r"^test_memory\.py::(\w+) +(-?\S+ \w+) +(-?\S+ \w+) +(-?\d+)  (\S+ \w+) at test_memory\.py:(\d+)"
    shown = {name: figures for name, *figures in re.findall(row, result.stdout.str(), re.MULTILINE)}
    for name, figures in memory.items():
        line = figures["peak_lines"][0]
        sizes = (figures["peak_bytes"], figures["retained_bytes"], line["size_bytes"])
        peak, retained, at_line = map(format_bytes, sizes)
        assert shown[name] == [peak, retained, str(figures["blocks"]), at_line, str(line["line"])]


PLANTED = """
import pytest

kept = []

def load(count):
    return [bytes(967) for _ in range(count)]

def total(count):
    rows = load(count)
    return len(rows)

def test_total(memory_benchmark):
    memory_benchmark(total, 2_000)

def test_other(memory_benchmark):
    memory_benchmark(total, 1_000)
"""
COMPARED = ("--benchmark-compare", *SHORT)


GROWN = re.compile(
    r"^(peak|retained|blocks)(?: kept)?(?: per run)? is (\S+(?: \w+)?), was (\S+(?: \w+)?)(?:, \+\d+%)?"
    r" \(allowed: [^)]+\); (\S+ \w+) at test_memory\.py:13 total\b.* - against 0001_before\.json$",
    re.MULTILINE,  # from the line's start: where `CI` is set pytest's summary says it all again
)


def regression(text: str) -> str:
    """The same file, in which `total` copies its rows, and keeps some; lines above have moved."""
    text = text.replace("kept = []", "\n\nkept = []")
    return text.replace(
        "    return len(rows)",
        "    copies = [bytes(bytearray(row)) for row in rows]\n    kept.append(copies[:100])\n    return len(rows)",
    )


def test_regression_fails_and_names_the_line_that_grew(pytester: pytest.Pytester) -> None:
    run(pytester, PLANTED, *SHORT, "--benchmark-save=before", plugins=("benchmark",))
    checks = ("--benchmark-memory-compare-fail=peak:10%", "--benchmark-memory-compare-fail=retained:50 KB,blocks:50")
    result = run(pytester, PLANTED, *COMPARED, *checks, plugins=("benchmark",))
    assert outcomes(result) == {"test_total": "PASSED", "test_other": "PASSED"}
    result = run(pytester, regression(PLANTED), *COMPARED, *checks, plugins=("benchmark",))
    assert outcomes(result) == {"test_total": "FAILED", "test_other": "FAILED"}
    told = GROWN.findall(result.stdout.str())
    sizes = [(field, parse_bytes(now), parse_bytes(was), parse_bytes(more)) for field, now, was, more in told]
    truth = [
        (field, now, was, now - was)
        for peak in (2_000_000, 1_000_000)
        for field, now, was in (("peak", 2 * peak, peak), ("retained", 100_000, 0), ("blocks", 100, 0))
    ]
    assert [field for field, *_ in sizes] == [field for field, *_ in truth], result.stdout.str()
    for (field, now, was, more), (_, true_now, true_was, true_more) in zip(sizes, truth, strict=True):
        noise = NOISE_BLOCKS if field == "blocks" else NOISE_BYTES
        assert now == pytest.approx(true_now, rel=0.02, abs=noise), told
        assert was == pytest.approx(true_was, rel=0.02, abs=noise), told
        if field != "blocks":
            assert more == pytest.approx(true_more, rel=0.25), told  # of a peak it is estimated


def test_comparison_without_a_saved_run_is_a_mistake(pytester: pytest.Pytester) -> None:
    for arguments in (SHORT, COMPARED):
        result = run(pytester, PLANTED, *arguments, "--benchmark-memory-compare-fail=peak:10%", plugins=("benchmark",))
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert (
            "--benchmark-memory-compare-fail needs a saved run to compare with; save one, and give --benchmark-compare"
            in result.stderr.str()
        )


def test_check_of_the_ini_file_is_for_sessions_that_compare(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nbenchmark_memory_compare_fail = peak:10%\n")
    for plugins in ((), ("benchmark",)):
        result = run(pytester, "def test_one():\n    pass\n", plugins=plugins)
        assert outcomes(result) == {"test_one": "PASSED"}
        assert "compared" not in result.stdout.str()
    assert run(pytester, PLANTED, *COMPARED, plugins=("benchmark",)).ret == pytest.ExitCode.USAGE_ERROR


BARE = """
def test_total(benchmark):
    benchmark(sum, range(10))
"""


def test_saved_run_without_memory_is_told_as_not_compared(pytester: pytest.Pytester) -> None:
    run(pytester, BARE, *SHORT, "--benchmark-save=before", plugins=("benchmark",))
    result = run(pytester, PLANTED, *COMPARED, "--benchmark-memory-compare-fail=peak:0%", plugins=("benchmark",))
    assert outcomes(result) == {"test_total": "PASSED", "test_other": "PASSED"}
    result.stdout.fnmatch_lines(
        [
            "not compared, because the saved run has no memory figures for it: test_memory.py::test_total",
            "not compared, because the saved run has no memory figures for it: test_memory.py::test_other",
        ]
    )


def test_disabled_benchmarks_run_once_and_say_that_nothing_was_measured(pytester: pytest.Pytester) -> None:
    text = PLANTED + "\n\ndef test_calls():\n    assert len(calls) == 2\n"
    text = text.replace("    rows = load", "    calls.append(count)\n    rows = load").replace(
        "kept = []", "calls = []"
    )
    result = run(pytester, text, "--benchmark-disable", plugins=("benchmark",))
    assert outcomes(result) == {"test_total": "PASSED", "test_other": "PASSED", "test_calls": "PASSED"}
    result.stdout.fnmatch_lines(["not measured, because benchmarks are disabled: 2"])


def test_without_pytest_benchmark_the_fixture_says_what_to_do(pytester: pytest.Pytester) -> None:
    result = run(pytester, PLANTED, "-k", "test_total")
    assert outcomes(result) == {"test_total": "ERROR"}
    result.stdout.fnmatch_lines(["the fixture memory_benchmark needs pytest-benchmark, which is either not installed*"])


def test_checks_without_pytest_benchmark_are_a_mistake(pytester: pytest.Pytester) -> None:
    result = run(pytester, PLANTED, "--benchmark-memory-compare-fail=peak:10%")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--benchmark-memory-compare-fail needs pytest-benchmark" in result.stderr.str()


MISTAKES = """
import asyncio
import tracemalloc
import pytest

async def work():
    await asyncio.sleep(0)

@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_coroutine(memory_benchmark):
    memory_benchmark(lambda: work())

@pytest.mark.asyncio
async def test_in_a_loop(memory_benchmark):
    memory_benchmark(work)

def test_stops(memory_benchmark):
    memory_benchmark(tracemalloc.stop)

def test_raises(memory_benchmark):
    memory_benchmark(int, "none")
"""


def test_mistakes_are_told_in_words(pytester: pytest.Pytester) -> None:
    result = run(pytester, MISTAKES, *SHORT, plugins=("benchmark", "asyncio"))
    assert set(outcomes(result).values()) == {"FAILED"}
    text = result.stdout.str()
    for told in (
        "TypeError: the function only created a coroutine; pass the async function itself to memory_benchmark",
        "RuntimeError: memory_benchmark runs an async function on an event loop of its own; write the test as a plain",
        "the function could not be measured, because it stopped tracemalloc",
        "ValueError: invalid literal for int() with base 10: 'none'",
    ):
        assert told in text
    assert "never awaited" not in text


def test_without_the_sampler_the_figures_are_there_and_the_note_says_why_there_are_no_lines(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(no_sampler='import sys\nsys.modules["profiling.samples._sampler"] = None\n')
    options = (*SHORT, "--benchmark-save=one", "-k", "test_peak or test_retained")
    result = run(pytester, KNOWN, *options, plugins=("no_sampler", "benchmark"))
    assert set(outcomes(result).values()) == {"PASSED"}
    memory = saved(pytester)
    assert memory["test_peak"]["peak_bytes"] == pytest.approx(2_000_000, rel=0.05)
    assert memory["test_peak"]["peak_lines"] == []
    assert "_sampler" in memory["test_peak"]["note"]
    assert [line["line"] for line in memory["test_retained"]["retained_lines"]] == [14]
