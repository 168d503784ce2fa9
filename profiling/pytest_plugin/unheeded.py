"""A note at the end of the session if there are markers or options for checks, but the checks are off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from profiling.pytest_plugin import workers
from profiling.pytest_plugin.options import MARKERS, MEMORY

MARKED = "profiling_marked_tests"


class Unheeded:
    """Counts the tests whose markers have no effect."""

    def __init__(self, flags: Sequence[str], *, is_meant: bool) -> None:
        self._flags = flags  # given on the command line, but without effect
        self._is_meant = is_meant  # the user has switched the markers off, so no note is needed
        self._marked = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Count the selected tests that have a marker."""
        self._marked = sum(any(item.get_closest_marker(name) for name in MARKERS) for item in items)
        workers.tell(config, MARKED, self._marked)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Receive the count from a worker of pytest-xdist; each worker has collected all tests."""
        self._marked = max(self._marked, workers.told_by(node, MARKED) or 0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write what has no effect at the end of the output, where it is seen."""
        for line in self._told():
            terminalreporter.write_line(line)

    def _told(self) -> Iterator[str]:
        if self._flags:
            does = "does" if len(self._flags) == 1 else "do"
            yield f"memory: {' and '.join(self._flags)} {does} nothing without {MEMORY.flag}, so no test was checked"
        elif self._marked and not self._is_meant:
            tests, were = ("1 test", "was") if self._marked == 1 else (f"{self._marked} tests", "were")
            yield (
                f"memory: {tests} with {' or '.join(MARKERS)} {were} not checked; give {MEMORY.flag} to check them, "
                f"or set {MEMORY.name} = false in the ini file"
            )
