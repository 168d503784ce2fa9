"""The pytest plugin for memory in users' own tests: two markers and a fixture.

    @pytest.mark.memory_limit("24 MB")                          limits the traced memory at the test's peak
    @pytest.mark.no_leaks(runs=8, warmup=2, tolerance="4 KB")   repeats the test, and fails if it keeps memory
    memory_benchmark(function, *arguments)                      measures memory beside pytest-benchmark's times

The markers only work with `--memory`, or if the ini file or the environment asks for it. The fixture always works.
"""

from __future__ import annotations

from typing import Literal

import pytest

from profiling.pytest_plugin.options import COMPARE_FAIL, OPTIONS, Options
from profiling.pytest_plugin.reports import Reports
from profiling.pytest_plugin.unheeded import Unheeded

GROUP = "memory", "memory of tests, by profiling"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options to the command line and the ini file. The environment is read later, with the options."""
    group = parser.getgroup(*GROUP)
    for option in OPTIONS:
        told = f"{option.meaning} (default: {option.default or 'none'}; environment variable: {option.variable})"
        action: dict[str, str] = {}
        if option.is_switch:
            action = {"action": "store_const", "const": "true"}
        elif option.is_list:
            action = {"action": "append"}
        group.addoption(option.flag, dest=option.name, default=None, help=told.replace("%", "%%"), **action)
        kind: Literal["linelist", "string"] = "linelist" if option.is_list else "string"
        parser.addini(option.name, told, kind, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, check the options before any test runs, and switch the checks on if that is asked for."""
    config.addinivalue_line("markers", 'memory_limit(size): fail if the test\'s traced memory exceeds, say, "24 MB"')
    config.addinivalue_line(
        "markers", "no_leaks(runs, warmup, tolerance): repeat the test, and fail it if every run keeps more memory"
    )
    options = Options.read(config)
    reports = Reports(options.report)
    config.pluginmanager.register(reports, "profiling-reports")
    # Imported only if needed, so that other test suites start no slower.
    if options.is_on:
        from profiling.pytest_plugin.markers import Markers

        config.pluginmanager.register(Markers(options, reports), "profiling-markers")
    else:
        config.pluginmanager.register(
            Unheeded(options.without_effect, is_meant=options.is_off), "profiling-unheeded-markers"
        )
    if config.pluginmanager.hasplugin("benchmark"):
        from profiling.pytest_plugin.benchmark import Benchmarks

        config.pluginmanager.register(Benchmarks(options, reports), "profiling-benchmarks")
    else:
        config.pluginmanager.register(NoBenchmarks(), "profiling-benchmarks")


class NoBenchmarks:
    """Stands in for the fixture if pytest-benchmark is not installed."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Raise pytest.UsageError if the command line asks for a comparison, which needs pytest-benchmark."""
        if session.config.getoption(COMPARE_FAIL.name):
            raise pytest.UsageError(
                f"{COMPARE_FAIL.flag} needs pytest-benchmark, which is either not installed or switched off"
            )

    @pytest.fixture
    def memory_benchmark(self) -> None:
        """Fail, and say what to install."""
        pytest.fail(
            "the fixture memory_benchmark needs pytest-benchmark, which is either not installed or switched off; "
            "install it with: pip install pytest-benchmark",
            pytrace=False,
        )
