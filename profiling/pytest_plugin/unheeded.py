"""Says once that nothing is checked, if markers or options ask for checks and nobody has switched them on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from profiling.pytest_plugin import workers
from profiling.pytest_plugin.options import MARKERS, MEMORY

MARKED = "profiling_marked_tests"


class Unheeded:
    """Counts the tests whose markers do nothing."""

    def __init__(self, flags: Sequence[str], *, is_meant: bool) -> None:
        self._flags = flags  # given on the command line, and without effect
        self._is_meant = is_meant  # somebody has switched the markers off, and need not be told
        self._marked = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Count the tests that have a marker and are to be run."""
        self._marked = sum(any(item.get_closest_marker(name) for name in MARKERS) for item in items)
        workers.tell(config, MARKED, self._marked)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Hear from a worker of pytest-xdist, each of which has collected all tests."""
        self._marked = max(self._marked, workers.told_by(node, MARKED) or 0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write what has no effect, at the end, where it is seen."""
        for line in self._told():
            terminalreporter.write_line(line)

    def _told(self) -> Iterator[str]:
        if self._flags:
            does = "does" if len(self._flags) == 1 else "do"
            yield f"memory: {' and '.join(self._flags)} {does} nothing without {MEMORY.flag}: no test was checked"
        elif self._marked and not self._is_meant:
            tests = "1 test" if self._marked == 1 else f"{self._marked} tests"
            yield (
                f"memory: {tests} with {' or '.join(MARKERS)} not checked; give {MEMORY.flag} to check, "
                f"or set {MEMORY.name} = false in the ini file"
            )
