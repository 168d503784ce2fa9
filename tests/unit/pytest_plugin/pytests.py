"""A file of a user's tests, and pytest over it in a process of its own."""

from __future__ import annotations

import os
import re

import pytest

PRINTS_OTHERWISE = {"CI", "BUILD_NUMBER", "FORCE_COLOR", "PY_COLORS"}


def run(
    pytester: pytest.Pytester, text: str, *arguments: str, plugins: tuple[str, ...] = (), name: str = "test_memory"
) -> pytest.RunResult:
    """With our plugin and the others that are named; loading all that are installed takes a second and a half."""
    (pytester.path / f"{name}.py").write_text(text)  # as it is: `makepyfile` strips it, and moves its lines
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        # What coverage sets for children would measure every test's process; on CI pytest prints some lines twice.
        for variable in [key for key in os.environ if key.startswith("COV_CORE") or key in PRINTS_OTHERWISE]:
            patch.delenv(variable)
        loaded = [part for plugin in (*plugins, "profiling") for part in ("-p", plugin)]
        return pytester.runpytest_subprocess(*loaded, "-p", "no:cacheprovider", *arguments, "-rA", "-q")


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """How each test ended, by its name in the file."""
    found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+\.py::([^\s]+)", result.stdout.str(), re.MULTILINE)
    return {name: outcome for outcome, name in found}
