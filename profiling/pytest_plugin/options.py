"""The plugin's options, read in the same way from the command line, the environment and the ini file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from profiling.pytest_plugin.checks import Check, parse_checks
from profiling.pytest_plugin.sizes import Size, parse_limit

MARKERS = ("memory_limit", "no_leaks")
MAX_RUNS = 10_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option:
    """One option, with its name in each of the three places where it can be set."""

    name: str  # in the ini file; on the command line with dashes instead of underscores
    variable: str  # environment variable
    default: str  # empty: no default
    meaning: str
    is_switch: bool = False  # a flag without a value on the command line
    is_list: bool = False  # may be repeated on the command line

    @property
    def flag(self) -> str:
        """Return the name on the command line."""
        return f"--{self.name.replace('_', '-')}"


MEMORY = Option("memory", "PROFILING_PYTEST", "false", "check the markers memory_limit and no_leaks", is_switch=True)
LIMIT = Option(
    "memory_limit", "PROFILING_PYTEST_LIMIT", "", "limit for every test without a memory_limit marker, like '24 MB'"
)
RUNS = Option("memory_leak_runs", "PROFILING_PYTEST_LEAK_RUNS", "8", "how often no_leaks runs a test after its warm-up")
WARMUP = Option(
    "memory_leak_warmup",
    "PROFILING_PYTEST_LEAK_WARMUP",
    "2",
    "runs of the warm-up, in which caches may fill; the test's own run is the first",
)
TOLERANCE = Option("memory_leak_tolerance", "PROFILING_PYTEST_LEAK_TOLERANCE", "4 KB", "what a test may keep per run")
COMPARE_FAIL = Option(
    "benchmark_memory_compare_fail",
    "PROFILING_PYTEST_COMPARE_FAIL",
    "",
    "fail if a benchmark's memory exceeds the saved run's by more than, say, peak:10%, retained:4 KB or blocks:100",
    is_list=True,
)
REPORT = Option("memory_report", "PROFILING_PYTEST_REPORT", "", "folder for an HTML report of each measured test")
OPTIONS = (MEMORY, LIMIT, RUNS, WARMUP, TOLERANCE, COMPARE_FAIL, REPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The values of all options."""

    is_on: bool
    is_off: bool  # because the user has switched the markers off
    without_effect: tuple[str, ...]  # flags on the command line that only the markers use, while the markers are off
    limit: Size | None
    runs: int
    warmup: int
    tolerance: Size
    compare_fail: tuple[Check, ...]
    report: Path | None  # the folder for reports

    @classmethod
    def read(cls, config: pytest.Config) -> Options:
        """Return all options. Raises pytest.UsageError for a wrong value; the error says where it was set."""
        is_on = _read(config, MEMORY, parse_switch)
        given = (option.flag for option in (LIMIT, RUNS, WARMUP, TOLERANCE) if config.getoption(option.name))
        return cls(
            is_on=is_on,
            is_off=not is_on and _given(config, MEMORY)[0] != MEMORY.name,
            without_effect=() if is_on else tuple(given),
            limit=_read(config, LIMIT, lambda text: parse_limit(text) if text else None),
            runs=_read(config, RUNS, parse_count),
            warmup=_read(config, WARMUP, parse_count),
            tolerance=_read(config, TOLERANCE, Size.parse),
            compare_fail=_read(config, COMPARE_FAIL, parse_checks),
            report=_read(config, REPORT, lambda text: config.invocation_params.dir / text if text else None),
        )


def _read(config: pytest.Config, option: Option, parse: Callable[[str], T]) -> T:
    """Return the value from the command line, else the environment, else the ini file, else the default."""
    where, text = _given(config, option)
    try:
        return parse(text)
    except ValueError as error:
        raise pytest.UsageError(f"{where}: {error}") from error


def _given(config: pytest.Config, option: Option) -> tuple[str, str]:
    """Return where the option is set, and its value there."""
    places = (
        (option.flag, _text(config.getoption(option.name))),
        (option.variable, os.environ.get(option.variable)),
        (f"{option.name} in the ini file", _text(config.getini(option.name))),
    )
    return next(((where, text) for where, text in places if text), (option.name, option.default))


def _text(value: object) -> str:
    """Return the value as text. A repeated option is a list, and values in a TOML file have types."""
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def parse_switch(text: str) -> bool:
    """Return whether the text means yes. Raises ValueError if it means neither yes nor no."""
    word = text.strip().casefold()
    if word not in {"true", "1", "yes", "on", "false", "0", "no", "off"}:
        raise ValueError(f"{text!r} is not a switch; write true or false")
    return word in {"true", "1", "yes", "on"}


def parse_count(text: str) -> int:
    """Return a whole number of at least 1. Raises ValueError for other text."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_RUNS)) and 1 <= int(text) <= MAX_RUNS):
        raise ValueError(f"{text!r} is not a whole number from 1 to {MAX_RUNS}")
    return int(text)
