"""tracemalloc on and off, and the few figures that it tells at once."""

from __future__ import annotations

import tracemalloc

TRACE_BYTES = 49  # of tracemalloc's tables for a live trace, measured on 3.11 to 3.13


def is_on() -> bool:
    """Whether tracemalloc is on, whoever switched it on."""
    return tracemalloc.is_tracing()


def traced_bytes() -> int | None:
    """What tracemalloc sees alive; None while it is off."""
    return tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None


def drop() -> None:
    """In a child, where no other thread is left: lift tracemalloc's hooks off the allocators, with all traces."""
    tracemalloc.stop()


def traced_peak_bytes() -> int:
    """Highest traced memory since the last `reset_peak`."""
    return tracemalloc.get_traced_memory()[1]


def reset_peak() -> None:
    """Let the peak start again from what is alive now."""
    tracemalloc.reset_peak()


def own_tables_bytes() -> int:
    """What tracemalloc's tables cost; untraced, so beside the traced memory."""
    return tracemalloc.get_tracemalloc_memory() if tracemalloc.is_tracing() else 0


def estimated_traces() -> int:
    """About how many traces are alive: tracemalloc tells its tables' size only."""
    return own_tables_bytes() // TRACE_BYTES


class Tracing:
    """Tracing by one profiler: on with its first need, and numbered by stretch, since stopping drops all traces.

    Somebody else may stop or start tracemalloc too. A marker that was allocated when a stretch began tells: its trace
    is gone when the stretch is over.
    """

    def __init__(self) -> None:
        self._period = 0
        self._marker: bytearray | None = None
        self._is_ours = False

    def period(self, frames: int = 1) -> int:
        """The number of the stretch we are in, from 1; begins one where tracing is off, or was off in between.

        A stretch keeps the number of frames that it began with.
        """
        if self._marker is None or tracemalloc.get_object_traceback(self._marker) is None:
            if not tracemalloc.is_tracing():
                tracemalloc.start(frames)
                self._is_ours = True
            self._marker = bytearray(64)
            self._period += 1
        return self._period

    def close(self) -> None:
        """Switch tracing off if it was us who switched it on. At a quiet point only: see python/cpython#128679."""
        if self._is_ours:
            tracemalloc.stop()
        self._is_ours = False
        self._marker = None
