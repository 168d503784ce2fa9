"""Reports of measured tests: one HTML file for each test and what was measured of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from profiling.profiler import Profiler
    from profiling.pytest_plugin.peak import Peak

PROPERTY = "memory_report"  # of a test, in its report and in JUnit's XML
MAX_NAME = 80  # characters of the test's name in the name of the file


class Reports:
    """Writes reports to a folder, and names them in the terminal; without a folder it does nothing.

    Raises pytest.UsageError if the folder cannot be made.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"the folder for memory reports cannot be made: {error}") from error

    def write_runs(self, item: pytest.Item, profiler: Profiler) -> None:
        """Write what the repeated runs of a test kept."""
        if self._folder is not None:
            from profiling.web.report import report_of

            self._write(item, "runs", report_of(profiler))

    def write_peak(self, item: pytest.Item, peak: Peak) -> None:
        """Write what a test held at its peak, if the lines are known."""
        if self._folder is not None and peak.samples is not None:
            from profiling.report.page.stored import profile_html
            from profiling.stack_profile import StackSums

            sums = StackSums(all_frames=True)
            sums.add_live(peak.samples)
            profile = sums.profile((), peak.samples.bytes_per_sample, time.time())
            self._write(item, "peak", profile_html(profile, when="at the peak"))

    def _write(self, item: pytest.Item, what: str, html: bytes) -> None:
        assert self._folder is not None  # noqa: S101 - as the callers have seen
        path = self._folder / f"{file_name(item.nodeid)}.{what}.html"
        path.write_bytes(html)
        item.user_properties.append((PROPERTY, str(path)))
        item.add_report_section("call", "memory report", f"{path}\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write how many reports there are, those of workers of pytest-xdist included."""
        if written := len(list(_written(terminalreporter))):
            reports = "1 report" if written == 1 else f"{written} reports"
            terminalreporter.write_line(f"memory: {reports} in {self._folder}")


def _written(terminalreporter: pytest.TerminalReporter) -> Iterator[object]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                yield from (value for name, value in report.user_properties if name == PROPERTY)


def file_name(nodeid: str) -> str:
    """Return a name for a file: what a reader knows of the test, and a hash that no other test has."""
    path, _, test = nodeid.partition("::")
    short = re.sub(r"[^\w.-]+", "-", f"{path.rpartition('/')[2]}-{test}").strip("-.")[:MAX_NAME]
    return f"{short}-{sha256(nodeid.encode(errors='surrogatepass')).hexdigest()[:8]}"
