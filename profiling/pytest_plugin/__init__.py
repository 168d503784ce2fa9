"""Memory in a user's own tests: two markers and a fixture for pytest.

    @pytest.mark.memory_limit("24 MB")                          traced memory at the test's peak
    @pytest.mark.no_leaks(runs=8, warmup=2, tolerance="4 KB")   repeats the test, and judges what stays
    memory_benchmark(function, *arguments)                      beside pytest-benchmark's times, what the function takes

The markers are heeded if `--memory`, the ini file or the environment asks; the fixture is asked for by its name.
"""

from __future__ import annotations

from typing import Literal

import pytest

from profiling.pytest_plugin.options import COMPARE_FAIL, OPTIONS, Options
from profiling.pytest_plugin.unheeded import Unheeded

GROUP = "memory", "memory of tests, by profiling"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options to the command line and the ini file; the environment is asked when they are read."""
    group = parser.getgroup(*GROUP)
    for option in OPTIONS:
        told = f"{option.meaning} (default: {option.default or 'none'}; in the environment {option.variable})"
        action: dict[str, str] = {}
        if option.is_switch:
            action = {"action": "store_const", "const": "true"}
        elif option.is_list:
            action = {"action": "append"}
        group.addoption(option.flag, dest=option.name, default=None, help=told.replace("%", "%%"), **action)
        kind: Literal["linelist", "string"] = "linelist" if option.is_list else "string"
        parser.addini(option.name, told, kind, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, check the options before any test runs, and begin if that is asked for."""
    config.addinivalue_line("markers", 'memory_limit(size): fail if the test\'s traced memory goes over, as "24 MB"')
    config.addinivalue_line(
        "markers", "no_leaks(runs, warmup, tolerance): repeat the test, and fail if it keeps more with every run"
    )
    options = Options.read(config)
    # Not imported if nobody asks: the tests of others should not wait for it.
    if options.is_on:
        from profiling.pytest_plugin.markers import Markers

        config.pluginmanager.register(Markers(options), "profiling-markers")
    else:
        config.pluginmanager.register(
            Unheeded(options.without_effect, is_meant=options.is_off), "profiling-unheeded-markers"
        )
    if config.pluginmanager.hasplugin("benchmark"):
        from profiling.pytest_plugin.benchmark import Benchmarks

        config.pluginmanager.register(Benchmarks(options), "profiling-benchmarks")
    else:
        config.pluginmanager.register(NoBenchmarks(), "profiling-benchmarks")


class NoBenchmarks:
    """Stands in for the fixture if pytest-benchmark is not there."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Raise pytest.UsageError if a comparison asked for by hand is impossible; the ini file is for all sessions."""
        if session.config.getoption(COMPARE_FAIL.name):
            raise pytest.UsageError(
                f"{COMPARE_FAIL.flag} needs pytest-benchmark, which is not installed or switched off"
            )

    @pytest.fixture
    def memory_benchmark(self) -> None:
        """Fail with what to do."""
        pytest.fail(
            "the fixture memory_benchmark stands on pytest-benchmark, which is not installed or switched off: "
            "pip install pytest-benchmark",
            pytrace=False,
        )
