"""What the RSS is made of, what pymalloc's arenas hold, and giving memory back to the kernel."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from profiling import child
from profiling.errors import ChildFailed
from profiling.process import allocator
from profiling.process.usage import PROC, counters, parse_kb_lines, read_text, resident_and_virtual
from profiling.records import Composition, TrimResult
from profiling.samples import sampler
from profiling.traces import tracing

ARENAS_TIMEOUT_S = 5.0
ARENAS_MAX_TRACES = 300_000  # to drop more would copy over 30 MB of tracemalloc's tables into the child

_logger = logging.getLogger(__name__)


async def read_composition(*, profiler_bytes: int, proc: Path = PROC) -> Composition:
    """Return what the RSS is made of, with `profiler_bytes` as the profiler's share and None for what cannot be read.

    The loop goes on meanwhile: the kernel's table is read in a thread, and pymalloc's in a forked child.
    """
    rollup, heap = await asyncio.to_thread(lambda: (read_text(proc / "smaps_rollup"), allocator.c_heap()))
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
        traced_bytes=tracing.traced_bytes(),
        profiler_bytes=profiler_bytes,
    )


async def trim() -> TrimResult:
    """Let the C allocator give back what it can, in a thread: for a large heap that takes some 10 ms."""
    before, began_s = counters(), time.perf_counter()
    supported = await asyncio.to_thread(allocator.trim)
    after = counters()
    return TrimResult(
        supported=supported,
        rss_before_bytes=before.rss_bytes,
        rss_after_bytes=after.rss_bytes,
        c_heap_free_before_bytes=before.c_heap_free_bytes,
        c_heap_free_after_bytes=after.c_heap_free_bytes,
        duration_s=time.perf_counter() - began_s,
    )


async def _arenas() -> allocator.Arenas | None:
    """Return pymalloc's arenas, or None if they are not known: a container may have no process to spare for a child."""
    if not _may_ask_for_arenas():
        return None
    try:
        answer = await child.run_in_child_async(_arenas_in_child, what="pymalloc's arenas", timeout_s=ARENAS_TIMEOUT_S)
    except ChildFailed as error:
        _logger.warning("pymalloc's arenas are not known: %s", error)
        return None
    return _arenas_of(answer)


def free_arenas_bytes() -> int | None:
    """Return the bytes that pymalloc's arenas hold free, or None if they are not known.

    The call blocks the caller for a fork and a child, 20 ms.
    """
    if not _may_ask_for_arenas():
        return None
    try:
        arenas = _arenas_of(child.run_in_child(_arenas_in_child, what="pymalloc's arenas", timeout_s=ARENAS_TIMEOUT_S))
    except ChildFailed as error:
        _logger.warning("pymalloc's arenas are not known: %s", error)
        return None
    return arenas.free_bytes if arenas else None


def _may_ask_for_arenas() -> bool:
    return child.available() and tracing.estimated_traces() <= ARENAS_MAX_TRACES


def _arenas_of(answer: child.ChildResult) -> allocator.Arenas | None:
    return allocator.parse_arenas(answer.data.decode("ascii", errors="replace"))


def _arenas_in_child() -> bytes:  # pragma: no cover - in the child
    # pymalloc tells nothing while hooks lie over it.
    tracing.stop_tracing()
    sampler.remove_hooks()
    return allocator.arenas_text()
