"""The markers at work: registered if `--memory`, the ini file or the environment asks for it."""

from __future__ import annotations

import contextlib
import unittest
from collections.abc import Generator
from typing import Any

import pytest

from profiling.pytest_plugin import workers
from profiling.pytest_plugin.failure_messages import format_leak_failure, format_limit_failure
from profiling.pytest_plugin.leak_check import find_leak
from profiling.pytest_plugin.marker_arguments import LeakPlan, limit_of, parse_no_leaks
from profiling.pytest_plugin.options import MARKERS, Options
from profiling.pytest_plugin.peak import JOB, PeakWatch, close_when_quiet
from profiling.pytest_plugin.sizes import Size
from profiling.samples import sampler
from profiling.source import SourceReader

MISUSE = "profiling_misuse"
REPEATING = pytest.StashKey[bool]()


class Markers:
    """The hooks around marked tests."""

    def __init__(self, options: Options) -> None:
        self._options = options

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Stop the session before any test runs if a marker does not fit, or is where it would do nothing."""
        try:
            self._hold_markers(items)
        except pytest.UsageError as error:
            if not workers.tell(config, MISUSE, str(error)):
                raise
            items.clear()  # the session that started this worker stops it

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Stop the session with what a worker of pytest-xdist has found. Raises pytest.UsageError."""
        if (misuse := workers.told_by(node, MISUSE)) is not None:
            raise pytest.UsageError(misuse)

    def _hold_markers(self, items: list[pytest.Item]) -> None:
        for item in items:
            marked = [name for name in MARKERS if item.get_closest_marker(name)]
            if marked and not _is_a_function(item):
                raise pytest.UsageError(
                    f"{item.nodeid}: {marked[0]} works on test functions and methods of plain classes only; "
                    "a method of unittest.TestCase can be made one"
                )
            try:
                self.limit(item)
                self.leak_plan(item)
            except ValueError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from error

    def limit(self, item: pytest.Item) -> Size | None:
        """Return the limit of the test, or None. The test's own marker goes before the option. Raises ValueError."""
        marker = item.get_closest_marker("memory_limit")
        return limit_of(marker.args, marker.kwargs, self._options) if marker else self._options.limit

    def leak_plan(self, item: pytest.Item) -> LeakPlan | None:
        """Return how the test is repeated, or None if it is not repeated. Raises ValueError."""
        marker = item.get_closest_marker("no_leaks")
        return parse_no_leaks(marker.args, marker.kwargs, self._options) if marker else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        """Attribute samples to this test from before its fixtures on: an event loop copies the context when made."""
        previous = sampler.set_current_job(JOB)
        try:
            return (yield)
        finally:
            sampler.set_current_job(previous)
            close_when_quiet()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        """Check the limit and the leak plan around the call, with the fixtures set up once.

        The limit is for the first run alone.
        """
        if pyfuncitem.stash.get(REPEATING, False):
            return (yield)
        limit, plan = self.limit(pyfuncitem), self.leak_plan(pyfuncitem)
        watch = PeakWatch() if limit else None
        with watch or contextlib.nullcontext():
            result = yield  # if it fails there is nothing to judge
        if watch and limit:
            _hold_limit(watch, limit)
        if plan:
            _hold_plan(pyfuncitem, plan)
        return result


def _is_a_function(item: pytest.Item) -> bool:
    of_class = getattr(item, "cls", None)
    return isinstance(item, pytest.Function) and not (of_class and issubclass(of_class, unittest.TestCase))


def _hold_limit(watch: PeakWatch, limit: Size) -> None:
    if watch.peak is None:
        pytest.fail("memory_limit cannot tell: the test stopped tracemalloc, and its figures with it", pytrace=False)
    if watch.peak.size_bytes > limit.size_bytes:
        pytest.fail(format_limit_failure(watch.peak, limit, SourceReader().places), pytrace=False)


def _hold_plan(item: pytest.Function, plan: LeakPlan) -> None:
    item.stash[REPEATING] = True
    try:
        # By the hook, since who runs an async test is known to nobody else.
        verdict = find_leak(lambda: item.ihook.pytest_pyfunc_call(pyfuncitem=item), plan)
    finally:
        item.stash[REPEATING] = False
    if verdict is not None:
        pytest.fail(format_leak_failure(verdict, plan.tolerance, SourceReader().places), pytrace=False)
