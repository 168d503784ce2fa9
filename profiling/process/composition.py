"""What the RSS consists of, what pymalloc's arenas hold, and how memory is given back to the kernel."""

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
ARENAS_MAX_TRACES = 300_000  # dropping more would copy over 30 MB of tracemalloc's tables into the child

_logger = logging.getLogger(__name__)


async def read_composition(*, profiler_bytes: int, proc: Path = PROC) -> Composition:
    """Return what the RSS consists of; `profiler_bytes` is the profiler's share, and unreadable figures are None.

    The loop is not blocked: the kernel's table is read in a thread, and pymalloc's in a forked child.
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
    """Make the C allocator give free memory back, in a thread, because that takes about 10 ms for a large heap."""
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
    """Return pymalloc's arenas, or None if they cannot be read, for example if no more processes are allowed."""
    if not _may_ask_for_arenas():
        return None
    try:
        what = "reading pymalloc's arenas"
        answer = await child.run_in_child_async(_arenas_in_child, what=what, timeout_s=ARENAS_TIMEOUT_S)
    except ChildFailed as error:
        _logger.warning("pymalloc's arenas could not be read: %s", error)
        return None
    return _arenas_of(answer)


def free_arenas_bytes() -> int | None:
    """Return the free bytes in pymalloc's arenas, or None if they cannot be read.

    The call blocks the caller for a fork and a child, about 20 ms.
    """
    if not _may_ask_for_arenas():
        return None
    try:
        answer = child.run_in_child(_arenas_in_child, what="reading pymalloc's arenas", timeout_s=ARENAS_TIMEOUT_S)
        arenas = _arenas_of(answer)
    except ChildFailed as error:
        _logger.warning("pymalloc's arenas could not be read: %s", error)
        return None
    return arenas.free_bytes if arenas else None


def _may_ask_for_arenas() -> bool:
    return child.available() and tracing.estimated_traces() <= ARENAS_MAX_TRACES


def _arenas_of(answer: child.ChildResult) -> allocator.Arenas | None:
    return allocator.parse_arenas(answer.data.decode("ascii", errors="replace"))


def _arenas_in_child() -> bytes:  # pragma: no cover - in the child
    # pymalloc reports nothing while other hooks lie over it.
    tracing.stop_tracing()
    sampler.remove_hooks()
    return allocator.arenas_text()
