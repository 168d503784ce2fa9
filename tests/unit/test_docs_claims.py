"""Claims of the documents that were once false: costs, versions and places in the code."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from profiling.check.series import SAMPLE_BYTES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
LEVELS = (ROOT / "docs" / "levels.md").read_text()
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text()

COSTS = {
    "samples": (
        r"^\| (?:CPU time of .*, PROFILING=samples|.*: run time to plain, a sample every .*?) \| ([\d.]+)",
        r"(1\.0) to (1\.1) times",
    ),
    "lines": (r"(?:^\| CPU time of .*, PROFILING=lines \||tracemalloc 1 frame:) ([\d.]+)", r"(1) to (11) times"),
    "stacks": (r"tracemalloc 25 frames: ([\d.]+)", r"()up to (170) times"),
}
"""Per level: where docs/performance.md has the measured factors, and where the table of levels has their range."""


def words(page: str) -> str:
    """Return a page without line breaks."""
    return " ".join(page.split())


@pytest.mark.parametrize("level", COSTS)
def test_cost_of_a_level_is_as_measured(level: str) -> None:
    measured, stated = COSTS[level]
    factors = [float(factor) for factor in re.findall(measured, PERFORMANCE, re.MULTILINE)]
    (row,) = [line for line in LEVELS.splitlines() if line.startswith(f"| `{level}` |")]
    range_ = re.search(stated, row)
    assert range_ is not None, row
    least, most = (float(bound or 0) for bound in range_.groups())
    assert len(factors) >= 7
    # A factor below 1 is noise: nothing becomes faster by being measured.
    assert least <= max(1.0, min(factors))
    assert most * 0.6 <= max(factors) <= most, "the range no longer fits docs/performance.md"


@pytest.mark.parametrize("page", ["README.md", "docs/fastapi.md", "CHANGELOG.md"])
def test_cost_of_samples_is_the_same_on_every_page(page: str) -> None:
    ranges = re.findall(r"1\.\d+ to 1\.\d+ times", (ROOT / page).read_text())
    assert set(ranges) <= {"1.0 to 1.1 times"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/install.md", "Makefile"])
def test_versions_of_python_are_those_of_the_package(page: str) -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert required == ">=3.11,<3.15"
    text = words((ROOT / page).read_text())
    assert "Python 3.11 to 3.14" in text
    assert "or newer" not in text


def test_lines_of_our_own_code_are_in_the_functions_that_the_readme_names() -> None:
    places = re.findall(r"(volaris/\S+\.py):(\d+) (\w+)", README)
    assert places
    for path, line, name in places:
        functions = [
            node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)
        ]
        (found,) = [function for function in functions if function.name == name]
        assert found.lineno <= int(line) <= (found.end_lineno or 0), f"{path}:{line} is not in {name}"


def test_check_takes_as_many_bytes_per_sample_as_the_page_says() -> None:
    assert SAMPLE_BYTES == 1_024
    assert "uses level `samples` with one sample per 1 KB" in words(LEVELS)


def test_migrations_have_a_transaction_each() -> None:
    """As tests/integration/store/test_migrate.py shows: those before one that fails stay applied."""
    assert "each in a transaction of its own" in words((ROOT / "docs" / "deploy.md").read_text())


def test_only_runs_with_exact_lines_wait_for_each_other() -> None:
    """As tests/unit/volaris/instrumentation/test_job_profiler.py shows."""
    assert "has the process to itself" not in words(LEVELS)
    assert "No run at `samples` or `counters` waits for a run at `lines`." in words(LEVELS)
