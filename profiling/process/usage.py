"""What the process uses: RSS and its peak, the container's limit, and cheap counters.

Files below /proc/self are answered by the kernel from memory. If a file is missing (macOS) or unreadable (a hardened
kernel), the figure is unknown; that is never an error.
"""

from __future__ import annotations

import logging
import math
import mmap
import os
import re
import sys
from pathlib import Path

import psutil

from profiling.process import allocator, cgroup
from profiling.process.full_collections import count_full_collections
from profiling.records import Counters, MemoryLimit, MemoryUsage
from profiling.units import MB

PROC = Path("/proc/self")
STATM = "/proc/self/statm"
PAGE_BYTES = mmap.PAGESIZE
ARENAS_TIMEOUT_S = 5.0
ARENAS_MAX_TRACES = 300_000  # dropping more would copy over 30 MB of tracemalloc's tables into the child

_KB_LINE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE | re.ASCII)
_PEAK_LINE = re.compile(r"^VmHWM:\s+(\d{1,19}) kB$", re.MULTILINE | re.ASCII)
_logger = logging.getLogger(__name__)


def memory_limit(limit_mb: float | None = None, *, root: Path = Path("/")) -> MemoryLimit:
    """Return the memory limit: `limit_mb` (of 2**20 bytes) if set, else the cgroup's limit, else the machine's memory.

    Raises ValueError for a limit that is not above zero, or that is not finite in bytes.
    """
    if limit_mb is None:
        return cgroup.memory_limit(psutil.virtual_memory().total, root)
    if limit_mb <= 0:
        raise ValueError(
            f"a memory limit of {limit_mb} MB leaves no memory to run in; leave it out to use the container's limit"
        )
    size_bytes = limit_mb * MB
    if not math.isfinite(size_bytes):
        raise ValueError(f"a memory limit of {limit_mb} MB limits nothing; leave it out to use the container's limit")
    # a percentage of 0 bytes would be undefined
    return MemoryLimit(limit_bytes=max(1, round(size_bytes)), source="setting")


def memory_usage(limit: MemoryLimit) -> MemoryUsage:
    """Return the current RSS and VMS with the limit.

    The call takes about 3 microseconds on Linux, so that a health check may ask thousands of times per second.
    """
    rss_bytes, vms_bytes = resident_and_virtual()
    return MemoryUsage(rss_bytes=rss_bytes, vms_bytes=vms_bytes, limit=limit)


def resident_and_virtual() -> tuple[int, int]:
    """Return RSS and VMS in bytes, from the kernel's file if there is one, else from psutil, at six times the cost."""
    try:
        statm = os.open(STATM, os.O_RDONLY)
    except OSError:
        return _asked_of_psutil()
    try:
        text = os.read(statm, 128)
    finally:
        os.close(statm)
    return parse_statm(text) or _asked_of_psutil()


def _asked_of_psutil() -> tuple[int, int]:
    memory = psutil.Process().memory_info()
    return memory.rss, memory.vms


def counters() -> Counters:
    """Return the current counters, which takes well under a millisecond if malloc's lists of free chunks are short."""
    heap, (rss_bytes, vms_bytes) = allocator.c_heap(), resident_and_virtual()
    return Counters(
        rss_bytes=rss_bytes,
        blocks=sys.getallocatedblocks(),
        c_heap_free_bytes=heap.free_bytes if heap else None,
        c_heap_used_bytes=heap.used_bytes if heap else None,
        mapped_bytes=vms_bytes - heap.mapped_bytes if heap and heap.mapped_bytes is not None else None,
        full_collections=count_full_collections(),
    )


def reset_peak(proc: Path = PROC) -> bool:
    """Reset the kernel's high-water mark of the RSS to the current value; return False if the kernel cannot.

    proc_pid_clear_refs(5): value 5, Linux 4.0 on.
    """
    try:
        # Unbuffered, so that the write itself raises if the kernel refuses.
        with (proc / "clear_refs").open("r+b", buffering=0) as file:
            file.write(b"5")
    except OSError:
        return False
    return True


def peak_rss_bytes(proc: Path = PROC) -> int | None:
    """Return the highest RSS since the last reset, or since the start; None if the kernel does not report it."""
    match = _PEAK_LINE.search(read_text(proc / "status") or "")
    return int(match[1]) * 1024 if match else None


def parse_statm(text: bytes) -> tuple[int, int] | None:
    """Return RSS and VMS in bytes from /proc/self/statm, or None if the text does not begin with two numbers."""
    fields = text.split(maxsplit=2)[:2]
    if len(fields) < 2 or not all(field.isdigit() and len(field) < 20 for field in fields):
        return None
    return int(fields[1]) * PAGE_BYTES, int(fields[0]) * PAGE_BYTES


def parse_kb_lines(text: str) -> dict[str, int]:
    """Return the `Key:  123 kB` lines of /proc/self/smaps_rollup, as bytes by key."""
    return {key: int(value) * 1024 for key, value in _KB_LINE.findall(text) if len(value) < 20}


def read_text(path: Path) -> str | None:
    """Return the text of a file, or None if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
