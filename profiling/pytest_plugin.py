"""Memory in a user's own tests: two markers for pytest, on where `--memory`, the ini file or the environment asks.

    @pytest.mark.memory_limit("24 MB")                          traced memory at the test's peak
    @pytest.mark.no_leaks(runs=8, warmup=2, tolerance="4 KB")   repeats the test, and judges what stays

Both work on async tests too, by whatever plugin runs those.
"""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import pytest

from profiling import sampler
from profiling.diff import largest
from profiling.estimates import live, table_of
from profiling.profiler import Profiler
from profiling.records import Level, RunProfile, SiteTable, State, Verdict
from profiling.source import is_users, short_path
from profiling.trend import LEAST_PROCESS_BYTES, MIN_RUNS
from profiling.units import format_bytes, parse_bytes

JOB = "test"
SAMPLE_BYTES = 512.0  # one sample every so many: tests are small
LINES_SHOWN = 3
RUNS_TO_BE_SURE = 20  # where the first ones keep something, it may still be a cache that fills up

OPTIONS: Mapping[str, tuple[str, str]] = {
    "memory": ("false", "whether the markers memory_limit and no_leaks are heeded"),
    "memory_leak_runs": ("8", "how often no_leaks runs a test after its warm-up"),
    "memory_leak_warmup": ("2", "runs before those, in which caches may fill"),
    "memory_leak_tolerance": ("4 KB", "what a run may keep"),
}
"""Name in the ini file, default, meaning. On the command line with dashes, in the environment in upper case."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The same options from the command line and the ini file; the environment is asked when they are read."""
    group = parser.getgroup("memory", "memory of tests, by profiling")
    for name, (default, meaning) in OPTIONS.items():
        flag = f"--{name.replace('_', '-')}"
        help_text = f"{meaning} (default: {default})"
        if default == "false":
            group.addoption(flag, dest=name, action="store_const", const="true", default=None, help=help_text)
        else:
            group.addoption(flag, dest=name, default=None, help=help_text)
        parser.addini(name, help_text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, and check the options before any test runs."""
    config.addinivalue_line("markers", 'memory_limit(size): fail where the test\'s traced memory goes over, as "24 MB"')
    config.addinivalue_line(
        "markers", "no_leaks(runs, warmup, tolerance): repeat the test, and fail where it keeps more with every run"
    )
    _count(config, "memory_leak_runs")
    _count(config, "memory_leak_warmup")
    _size("memory_leak_tolerance", option(config, "memory_leak_tolerance"))


def option(config: pytest.Config, name: str) -> str:
    """From the command line, else the environment, else the ini file, else the default."""
    given = config.getoption(name), os.environ.get(name.upper()), config.getini(name)
    return str(next((value for value in given if value), OPTIONS[name][0]))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """From before the fixtures on, samples are this test's: an event loop copies the context when it is made."""
    previous = sampler.enter(JOB)
    try:
        return (yield)
    finally:
        sampler.enter(previous)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Around the call of a marked test."""
    if not _is_on(pyfuncitem.config):
        return (yield)
    limit, leaks = (pyfuncitem.get_closest_marker(name) for name in ("memory_limit", "no_leaks"))
    # The limit is for one run of the test, so it is inside.
    with _leaks_told(pyfuncitem, leaks) if leaks else _nothing(), _limited(limit) if limit else _nothing():
        return (yield)


def _is_on(config: pytest.Config) -> bool:
    return option(config, "memory").casefold() in {"true", "1", "yes", "on"}


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _limited(marker: pytest.Mark) -> Iterator[None]:
    limit_bytes = _size("memory_limit", *marker.args, **marker.kwargs)
    with _sampling() as since, _tracing():
        tracemalloc.reset_peak()
        before_bytes = tracemalloc.get_traced_memory()[0]
        number = sampler.watch(JOB, since) if since is not None else None
        yield
        peak_bytes = tracemalloc.get_traced_memory()[1] - before_bytes
        held = table_of(live(sampler.take_peak(number))) if number is not None else None
    if peak_bytes > limit_bytes:
        told = f"limited to {format_bytes(limit_bytes)}, reached {format_bytes(peak_bytes)}"
        pytest.fail("; ".join([told, *(_lines(held) if held else ())]), pytrace=False)


@contextmanager
def _leaks_told(item: pytest.Function, marker: pytest.Mark) -> Iterator[None]:
    runs = marker.kwargs.get("runs", _count(item.config, "memory_leak_runs"))
    warmup = marker.kwargs.get("warmup", _count(item.config, "memory_leak_warmup"))
    tolerance_bytes = _size("tolerance", marker.kwargs.get("tolerance", option(item.config, "memory_leak_tolerance")))
    arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}  # noqa: SLF001 - as pytest's own call
    yield  # the first run, by whoever calls tests; where it fails there is nothing to repeat
    for _ in range(warmup):
        item.obj(**arguments)
    verdict = _judged(item, arguments, Level.LINES, runs, tolerance_bytes)
    if verdict is None or (verdict.bytes_per_run or 0) <= tolerance_bytes:
        return
    if verdict.state is State.LEAKING and not any(is_users(suspect.site[0]) for suspect in verdict.suspects):
        verdict = _judged(item, arguments, Level.STACKS, MIN_RUNS, tolerance_bytes) or verdict
    if verdict.state in {State.LEAKING, State.NATIVE_GROWTH}:
        pytest.fail(_leak_told(verdict, tolerance_bytes), pytrace=False)


def _judged(
    item: pytest.Function, arguments: dict[str, object], level: Level, runs: int, tolerance_bytes: int
) -> Verdict | None:
    """After `runs` None where they kept nothing, else what some more of them say."""
    profiler = Profiler(level=level, arenas=True)
    try:
        for number in range(max(runs, RUNS_TO_BE_SURE)):
            if number == runs and not _keeps_something(profiler.history.runs(JOB), tolerance_bytes):
                return None
            with profiler.run(JOB):
                item.obj(**arguments)
                gc.collect()
        return profiler.verdict(JOB)
    finally:
        profiler.close()


def _keeps_something(runs: Sequence[RunProfile], tolerance_bytes: int) -> bool:
    heap = median(run.retained_bytes or 0 for run in runs)
    held = [run.after.rss_bytes - (run.after.c_heap_free_bytes or 0) for run in runs]
    process = (held[-1] - held[0]) / max(1, len(held) - 1)
    return heap > tolerance_bytes or process > LEAST_PROCESS_BYTES


def _leak_told(verdict: Verdict, tolerance_bytes: int) -> str:
    kept = format_bytes(round(verdict.bytes_per_run or 0))
    where = [
        f"{format_bytes(round(suspect.bytes_per_run))} at {short_path(suspect.site[0])}:{suspect.site[1]}"
        for suspect in verdict.suspects[:LINES_SHOWN]
    ]
    told = f"keeps {kept} a run over {verdict.runs} runs, tolerated are {format_bytes(tolerance_bytes)}"
    return "; ".join([told, *where, verdict.reason])


def _lines(held: SiteTable) -> list[str]:
    """Estimates of what was alive at the peak."""
    return [
        f"{format_bytes(size_bytes)} at {short_path(file)}:{line}"
        for (file, line), size_bytes, _ in largest(held, LINES_SHOWN)
    ]


@contextmanager
def _sampling() -> Iterator[int | None]:
    """A mark to tell this test's samples by; None where there is no sampler."""
    if sampler.unavailable_reason() is not None or tracemalloc.is_tracing():
        yield None
        return
    was_on = sampler.is_on()
    if not was_on:
        sampler.start(SAMPLE_BYTES)
    try:
        yield sampler.mark()
    finally:
        if not was_on:
            sampler.stop()


@contextmanager
def _tracing() -> Iterator[None]:
    was_on = tracemalloc.is_tracing()
    if not was_on:
        tracemalloc.start()
    try:
        yield
    finally:
        if not was_on:
            tracemalloc.stop()


def _count(config: pytest.Config, name: str) -> int:
    text = option(config, name)
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise pytest.UsageError(f"{name} must be a whole number from 1 to 10000, and is {text!r}")
    return int(text)


def _size(name: str, text: object = None) -> int:
    try:
        return parse_bytes(str(text))
    except ValueError as error:
        raise pytest.UsageError(f"{name}: {error}") from error
