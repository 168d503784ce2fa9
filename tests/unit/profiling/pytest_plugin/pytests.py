"""A file of a user's tests, and pytest over it in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import coverage
import pytest

# The plugin is loaded before the tests' own process is measured, so it is only seen where it is at work: in children.
MEASURING = """
import atexit
import coverage

measuring = coverage.Coverage(data_file={data_file!r}, data_suffix=True, config_file={settings!r})
measuring.start()

@atexit.register
def end():
    measuring.stop()
    measuring.save()
"""
PRINTS_OTHERWISE = {"CI", "BUILD_NUMBER", "FORCE_COLOR", "PY_COLORS"}
# pytest-benchmark measures nothing in a worker of pytest-xdist. The child is none, though its parent may be.
OF_A_WORKER = {"PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"}


def run(
    pytester: pytest.Pytester, text: str, *arguments: str, plugins: tuple[str, ...] = (), name: str = "test_memory"
) -> pytest.RunResult:
    """With our plugin and the others that are named; loading all that are installed takes a second and a half."""
    (pytester.path / f"{name}.py").write_text(text)  # as it is: `makepyfile` strips it, and moves its lines
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        for variable in PRINTS_OTHERWISE | OF_A_WORKER:
            patch.delenv(variable, raising=False)
        loaded = [part for plugin in (*_measuring(pytester.path), *plugins, "profiling") for part in ("-p", plugin)]
        return pytester.runpytest_subprocess(*loaded, "-p", "no:cacheprovider", *arguments, "-rA", "-q")


def _measuring(folder: Path) -> list[str]:
    """A plugin that measures the child as this process is measured, if it is; their figures are combined at the end."""
    ours = coverage.Coverage.current()
    if ours is None:
        return []
    data_file, settings = ours.get_data().base_filename(), str(Path(__file__).parents[4] / "pyproject.toml")
    (folder / "measuring.py").write_text(MEASURING.format(data_file=data_file, settings=settings))
    return ["measuring"]


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """How each test ended, by its name in the file."""
    found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+\.py::([^\s]+)", result.stdout.str(), re.MULTILINE)
    return {name: outcome for outcome, name in found}
