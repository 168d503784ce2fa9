"""What the process uses: RSS and its peak, the container's limit, and what the RSS is made of.

Files below /proc/self are answered by the kernel from memory. One that is not there (macOS) or closed to us (a hardened
kernel) makes a figure unknown, never an error.
"""

from __future__ import annotations

import asyncio
import logging
import math
import mmap
import os
import re
import sys
import time
from pathlib import Path

import psutil

from profiling import allocator, cgroup, forked, sampler, traces
from profiling.collection import full_collections
from profiling.errors import ChildFailed
from profiling.records import Composition, Counters, MemoryLimit, MemoryUsage, Trimmed
from profiling.units import MB

PROC = Path("/proc/self")
STATM = "/proc/self/statm"
PAGE_BYTES = mmap.PAGESIZE
ARENAS_TIMEOUT_S = 5.0
ARENAS_MAX_TRACES = 300_000  # to drop more would copy over 30 MB of tracemalloc's tables into the child

_KB_LINE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE | re.ASCII)
_logger = logging.getLogger(__name__)


def memory_limit(limit_mb: float | None = None, *, root: Path = Path("/")) -> MemoryLimit:
    """What this process may use: `limit_mb` (of 2**20 bytes) where set, else its cgroups' limit, else all there is.

    Raises ValueError for a limit that is not above zero, or that is not finite in bytes.
    """
    if limit_mb is None:
        return cgroup.memory_limit(psutil.virtual_memory().total, root)
    if limit_mb <= 0:
        raise ValueError(
            f"a memory limit of {limit_mb} MB leaves nothing to run in; leave it out to use the container's"
        )
    size_bytes = limit_mb * MB
    if not math.isfinite(size_bytes):
        raise ValueError(f"a memory limit of {limit_mb} MB is none; leave it out to use the container's")
    return MemoryLimit(limit_bytes=max(1, round(size_bytes)), source="setting")  # a share of 0 bytes would be none


def usage(limit: MemoryLimit) -> MemoryUsage:
    """RSS and VMS of now, against a limit. About 3 microseconds on Linux: a health check may ask thousands a second."""
    rss_bytes, vms_bytes = resident_and_virtual()
    return MemoryUsage(rss_bytes=rss_bytes, vms_bytes=vms_bytes, limit=limit)


def resident_and_virtual() -> tuple[int, int]:
    """RSS and VMS in bytes, from the kernel where it has a file for it, else by psutil, at six times the cost."""
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
    """What is cheap to know, in well under a millisecond as long as malloc's lists of free chunks are short."""
    heap = allocator.c_heap()
    return Counters(
        rss_bytes=resident_and_virtual()[0],
        blocks=sys.getallocatedblocks(),
        c_heap_free_bytes=heap.free_bytes if heap else None,
        c_heap_used_bytes=heap.used_bytes if heap else None,
        full_collections=full_collections(),
    )


def reset_peak(proc: Path = PROC) -> bool:
    """Let the kernel's high-water mark of the RSS start again from now; False where it does not.

    proc_pid_clear_refs(5): value 5, Linux 4.0 on.
    """
    try:
        # Unbuffered, so that a refusal is raised by the write.
        with (proc / "clear_refs").open("r+b", buffering=0) as file:
            file.write(b"5")
    except OSError:
        return False
    return True


def peak_rss_bytes(proc: Path = PROC) -> int | None:
    """Highest RSS since the last reset, or since the start; None where the kernel does not tell."""
    return parse_kb_lines(_read(proc / "status") or "").get("VmHWM")


async def composition(*, profiler_bytes: int, proc: Path = PROC) -> Composition:
    """What the RSS is made of, with `profiler_bytes` as the profiler's own share; what cannot be read is None.

    The loop goes on meanwhile: the kernel's table is read in a thread, and pymalloc's in a forked child.
    """
    rollup, heap = await asyncio.to_thread(lambda: (_read(proc / "smaps_rollup"), allocator.c_heap()))
    mapped = parse_kb_lines(rollup or "")
    rss_bytes, anonymous_bytes = mapped.get("Rss"), mapped.get("Anonymous")
    arenas = await _arenas()
    return Composition(
        rss_bytes=resident_and_virtual()[0] if rss_bytes is None else rss_bytes,
        anonymous_bytes=anonymous_bytes,
        file_backed_bytes=None if rss_bytes is None or anonymous_bytes is None else rss_bytes - anonymous_bytes,
        swapped_bytes=mapped.get("Swap"),
        c_heap_used_bytes=heap.used_bytes if heap else None,
        c_heap_free_bytes=heap.free_bytes if heap else None,
        arenas_bytes=arenas.size_bytes if arenas else None,
        arenas_used_bytes=arenas.used_bytes if arenas else None,
        arenas_free_bytes=arenas.free_bytes if arenas else None,
        traced_bytes=traces.traced_bytes(),
        profiler_bytes=profiler_bytes,
    )


async def trim() -> Trimmed:
    """Let the C allocator give back what it can, in a thread: for a large heap that takes some 10 ms."""
    before, began_s = counters(), time.perf_counter()
    supported = await asyncio.to_thread(allocator.trim)
    after = counters()
    return Trimmed(
        supported=supported,
        rss_before_bytes=before.rss_bytes,
        rss_after_bytes=after.rss_bytes,
        c_heap_free_before_bytes=before.c_heap_free_bytes,
        c_heap_free_after_bytes=after.c_heap_free_bytes,
        duration_s=time.perf_counter() - began_s,
    )


async def _arenas() -> allocator.Arenas | None:
    """pymalloc's arenas, without which the rest still stands: a container may have no process to spare for a child."""
    if not _may_ask_for_arenas():
        return None
    try:
        answer = await forked.call_async(_arenas_in_child, what="pymalloc's arenas", timeout_s=ARENAS_TIMEOUT_S)
    except ChildFailed as error:
        _logger.warning("pymalloc's arenas are not known: %s", error)
        return None
    return _arenas_of(answer)


def free_arenas_bytes() -> int | None:
    """What pymalloc's arenas hold free; None where it is not known. Holds the caller for a fork and a child, 20 ms."""
    if not _may_ask_for_arenas():
        return None
    try:
        arenas = _arenas_of(forked.call(_arenas_in_child, what="pymalloc's arenas", timeout_s=ARENAS_TIMEOUT_S))
    except ChildFailed as error:
        _logger.warning("pymalloc's arenas are not known: %s", error)
        return None
    return arenas.free_bytes if arenas else None


def _may_ask_for_arenas() -> bool:
    return forked.available() and traces.estimated_traces() <= ARENAS_MAX_TRACES


def _arenas_of(answer: forked.Answer) -> allocator.Arenas | None:
    return allocator.parse_arenas(answer.data.decode("ascii", errors="replace"))


def _arenas_in_child() -> bytes:  # pragma: no cover - in the child
    # pymalloc tells nothing while hooks lie over it.
    traces.drop()
    sampler.lift()
    return allocator.arenas_text()


def parse_statm(text: bytes) -> tuple[int, int] | None:
    """/proc/self/statm: RSS and VMS in bytes; None for what does not begin with two numbers."""
    fields = text.split(maxsplit=2)[:2]
    if len(fields) < 2 or not all(field.isdigit() and len(field) < 20 for field in fields):
        return None
    return int(fields[1]) * PAGE_BYTES, int(fields[0]) * PAGE_BYTES


def parse_kb_lines(text: str) -> dict[str, int]:
    """The `Key:  123 kB` lines of /proc/self/status and smaps_rollup, in bytes."""
    return {key: int(value) * 1024 for key, value in _KB_LINE.findall(text) if len(value) < 20}


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
