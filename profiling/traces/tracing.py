"""Switches tracemalloc on and off, and reads the few figures that it reports directly."""

from __future__ import annotations

import tracemalloc

TRACE_BYTES = 49  # size of tracemalloc's tables per live trace, measured on 3.11 to 3.13


def is_on() -> bool:
    """Return whether tracemalloc is on, also if other code has switched it on."""
    return tracemalloc.is_tracing()


def traced_bytes() -> int | None:
    """Return the bytes that are alive according to tracemalloc, or None if it is off."""
    return tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None


def stop_tracing() -> None:
    """Remove tracemalloc's hooks and drop all traces. Call this only in a forked child, which has no other thread."""
    tracemalloc.stop()


def forget() -> None:
    """Drop the traces of all that is alive, so that fewer have to be read. Tracing stays on."""
    tracemalloc.clear_traces()


def traced_peak_bytes() -> int:
    """Return the highest traced memory in bytes since the last `reset_peak`."""
    return tracemalloc.get_traced_memory()[1]


def reset_peak() -> None:
    """Reset the peak to what is alive now."""
    tracemalloc.reset_peak()


def table_bytes() -> int:
    """Return the bytes of tracemalloc's tables, which are not part of the traced memory."""
    return tracemalloc.get_tracemalloc_memory() if tracemalloc.is_tracing() else 0


def estimated_traces() -> int:
    """Return about how many traces are alive, computed from the size of tracemalloc's tables."""
    return table_bytes() // TRACE_BYTES


class Tracing:
    """Tracing for one profiler: started when first needed, and numbered by session, because stopping drops all traces.

    Other code may stop or start tracemalloc too. A marker object that is allocated when a session begins shows this: if
    its trace is gone, the session is over.
    """

    def __init__(self) -> None:
        self._session = 0
        self._marker: bytearray | None = None
        self._is_ours = False

    def ensure_session(self, frames: int = 1) -> int:
        """Return the number of the current session, from 1; begin a session if tracing is off, or was off in between.

        A session keeps the number of frames that it began with.
        """
        if self._marker is None or tracemalloc.get_object_traceback(self._marker) is None:
            if not tracemalloc.is_tracing():
                tracemalloc.start(frames)
                self._is_ours = True
            self._marker = bytearray(64)
            self._session += 1
        return self._session

    def close(self) -> None:
        """Switch tracing off if this profiler switched it on.

        Call this while no other thread is active (python/cpython#128679).
        """
        if self._is_ours:
            tracemalloc.stop()
        self._is_ours = False
        self._marker = None
