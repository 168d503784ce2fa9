"""The container's memory as the machine sees it, at its highest between two moments."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

INTERVAL_S = 0.02
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest of each that was seen."""

    rss_bytes: int  # of the service's process
    working_set_bytes: int  # of the container: all it uses but file pages that nobody has touched lately

    def percent_of(self, limit_bytes: int) -> float:
        """The larger of the two, in per cent of the limit."""
        return max(self.rss_bytes, self.working_set_bytes) / limit_bytes * 100


class PeakWatch:
    """Looks at a process and its control group 50 times a second, from a thread, for the length of a block."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._group = memory_group(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self.peak = Peak(0, 0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            try:
                rss_bytes, working_set_bytes = self._process.memory_info().rss, working_set(self._group)
            except (psutil.Error, OSError):
                return  # it has ended; what it did is seen by whoever waits for it
            self.peak = Peak(max(self.peak.rss_bytes, rss_bytes), max(self.peak.working_set_bytes, working_set_bytes))


def memory_group(pid: int) -> Path:
    """The folder of a process's memory control group, of version 1 or 2."""
    groups = dict(line.split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    if "memory" in groups:
        return CGROUPS / "memory" / groups["memory"].lstrip("/")
    return CGROUPS / groups[""].lstrip("/")


def working_set(group: Path) -> int:
    """What platforms hold against the limit: usage less the file pages that the kernel takes back first."""
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    if (group / "memory.usage_in_bytes").exists():
        return int((group / "memory.usage_in_bytes").read_text()) - int(stat["total_inactive_file"])
    return int((group / "memory.current").read_text()) - int(stat["inactive_file"])
