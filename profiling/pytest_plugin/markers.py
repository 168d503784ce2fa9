"""The hooks that check marked tests, registered if `--memory`, the ini file or the environment asks for them."""

from __future__ import annotations

import contextlib
import unittest
from collections.abc import Callable, Generator
from typing import Any

import pytest

from profiling.profiler import Profiler
from profiling.pytest_plugin import workers
from profiling.pytest_plugin.failure_messages import format_leak_failure, format_limit_failure
from profiling.pytest_plugin.leak_check import find_leak
from profiling.pytest_plugin.marker_arguments import LeakPlan, limit_of, parse_no_leaks
from profiling.pytest_plugin.options import MARKERS, Options
from profiling.pytest_plugin.peak import JOB, PeakWatch, close_when_quiet
from profiling.pytest_plugin.reports import Reports
from profiling.pytest_plugin.sizes import Size
from profiling.samples import sampler
from profiling.source import SourceReader

MISUSE = "profiling_misuse"
REPEATING = pytest.StashKey[bool]()


class Markers:
    """Hooks around marked tests."""

    def __init__(self, options: Options, reports: Reports) -> None:
        self._options = options
        self._reports = reports

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Stop the session before any test runs if a marker has wrong arguments or is where it has no effect."""
        try:
            self._hold_markers(items)
        except pytest.UsageError as error:
            if not workers.tell(config, MISUSE, str(error)):
                raise
            items.clear()  # the main session, which started this worker, stops

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Stop the session with the error that a worker of pytest-xdist has found. Raises pytest.UsageError."""
        if (misuse := workers.told_by(node, MISUSE)) is not None:
            raise pytest.UsageError(misuse)

    def _hold_markers(self, items: list[pytest.Item]) -> None:
        for item in items:
            marked = [name for name in MARKERS if item.get_closest_marker(name)]
            if marked and not _is_a_function(item):
                raise pytest.UsageError(
                    f"{item.nodeid}: {marked[0]} only works on test functions and on methods of plain classes; "
                    "turn a method of unittest.TestCase into one of these"
                )
            try:
                self.limit(item)
                self.leak_plan(item)
            except ValueError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from error

    def limit(self, item: pytest.Item) -> Size | None:
        """Return the limit of the test, or None. A marker overrides the option. Raises ValueError."""
        marker = item.get_closest_marker("memory_limit")
        return limit_of(marker.args, marker.kwargs, self._options) if marker else self._options.limit

    def leak_plan(self, item: pytest.Item) -> LeakPlan | None:
        """Return how the test is to be repeated, or None if it is not. Raises ValueError."""
        marker = item.get_closest_marker("no_leaks")
        return parse_no_leaks(marker.args, marker.kwargs, self._options) if marker else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        """Attribute samples to this test before its fixtures are set up, because an event loop copies the context."""
        previous = sampler.set_current_job(JOB)
        try:
            return (yield)
        finally:
            sampler.set_current_job(previous)
            close_when_quiet()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        """Check the limit and the leak plan around the call. The fixtures are set up only once.

        The limit applies only to the first run.
        """
        if pyfuncitem.stash.get(REPEATING, False):
            return (yield)
        limit, plan = self.limit(pyfuncitem), self.leak_plan(pyfuncitem)
        watch = PeakWatch() if limit else None
        with watch or contextlib.nullcontext():
            result = yield  # if the test fails, there is nothing to check
        if watch and limit:
            if watch.peak:
                self._reports.write_peak(pyfuncitem, watch.peak)
            _hold_limit(watch, limit)
        if plan:
            _hold_plan(pyfuncitem, plan, lambda profiler: self._reports.write_runs(pyfuncitem, profiler))
        return result


def _is_a_function(item: pytest.Item) -> bool:
    of_class = getattr(item, "cls", None)
    return isinstance(item, pytest.Function) and not (of_class and issubclass(of_class, unittest.TestCase))


def _hold_limit(watch: PeakWatch, limit: Size) -> None:
    if watch.peak is None:
        pytest.fail("memory_limit could not measure the test, because the test stopped tracemalloc", pytrace=False)
    if watch.peak.size_bytes > limit.size_bytes:
        pytest.fail(format_limit_failure(watch.peak, limit, SourceReader().places), pytrace=False)


def _hold_plan(item: pytest.Function, plan: LeakPlan, report: Callable[[Profiler], None]) -> None:
    item.stash[REPEATING] = True
    try:
        # Repeated by the hook, because only the other plugins know how to run an async test.
        verdict = find_leak(lambda: item.ihook.pytest_pyfunc_call(pyfuncitem=item), plan, report)
    finally:
        item.stash[REPEATING] = False
    if verdict is not None:
        pytest.fail(format_leak_failure(verdict, plan.tolerance, SourceReader().places), pytrace=False)
