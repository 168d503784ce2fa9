"""Read something slow from a frozen copy of this process: a forked child computes, and the parent reads a pipe.

The copy is consistent, because nothing changes in the child while it reads, and the parent's interpreter stays free.
The child runs one Python function and ends with `os._exit`: no exit handlers, no flushing of buffers shared with the
parent.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from profiling import forks
from profiling.errors import ChildFailed

CHUNK_BYTES = 1 << 16
MAX_ANSWER_BYTES = 64 << 20  # so that a faulty child cannot fill the parent's memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildResult:
    """What the child wrote, and how long the fork blocked the parent."""

    data: bytes
    fork_s: float


def available() -> bool:
    """Return whether this platform can fork safely. macOS aborts children of a process that used its frameworks."""
    return hasattr(os, "fork") and sys.platform != "darwin"


def run_in_child(function: Callable[[], bytes], *, what: str, timeout_s: float) -> ChildResult:
    """Run `function` in a forked child and return its result.

    Raises ChildFailed, with `what` in its message, if the child dies, raises, or takes too long; then it is killed.
    """
    child = _Child.start(function, what)
    return ChildResult(data=child.read(timeout_s), fork_s=child.fork_s)


async def run_in_child_async(function: Callable[[], bytes], *, what: str, timeout_s: float) -> ChildResult:
    """Do what `run_in_child` does, but wait in a thread. If cancelled, kill and reap the child before this returns."""
    child = _Child.start(function, what)
    reading = asyncio.ensure_future(asyncio.to_thread(child.read, timeout_s))
    try:
        data = await asyncio.shield(reading)
    except asyncio.CancelledError:
        child.kill()
        await asyncio.gather(reading, return_exceptions=True)
        raise
    return ChildResult(data=data, fork_s=child.fork_s)


class _Child:
    """One forked child with its pipe."""

    def __init__(self, pid: int, pipe: int, what: str, fork_s: float) -> None:
        self.pid = pid
        self.pipe = pipe
        self.what = what
        self.fork_s = fork_s
        self._lock = threading.Lock()  # after it is reaped, its pid may belong to another process
        self._reaped = False

    @classmethod
    def start(cls, function: Callable[[], bytes], what: str) -> _Child:
        """Fork. The garbage collector is off in the child, because a collection would copy every page."""
        reader, writer = os.pipe()
        started_s = time.perf_counter()
        try:
            with forks.for_measuring():
                pid = os.fork()
        except OSError as error:
            os.close(reader)
            os.close(writer)
            raise ChildFailed(what, f"could not be started: {error.strerror}") from error
        if pid == 0:  # pragma: no cover - coverage ends with os._exit
            _be_the_child(function, writer)
        os.close(writer)
        return cls(pid, reader, what, time.perf_counter() - started_s)

    def read(self, timeout_s: float) -> bytes:
        """Return everything that the child writes. When this returns or raises, the child has ended."""
        deadline_s = time.monotonic() + timeout_s
        chunks: list[bytes] = []
        try:
            self._read_into(chunks, deadline_s)
        except BaseException:
            self.kill()
            self._reap()
            raise
        finally:
            os.close(self.pipe)
        status = self._reap()
        if status != 0:
            raise ChildFailed(self.what, f"ended with status {status}")
        return b"".join(chunks)

    def _read_into(self, chunks: list[bytes], deadline_s: float) -> None:
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN | select.POLLHUP)
        size_bytes = 0
        while True:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                raise ChildFailed(self.what, "did not finish in time")
            chunk = os.read(self.pipe, CHUNK_BYTES)
            if not chunk:
                return
            chunks.append(chunk)
            size_bytes += len(chunk)
            if size_bytes > MAX_ANSWER_BYTES:
                raise ChildFailed(self.what, f"wrote more than {MAX_ANSWER_BYTES >> 20} MB")

    def kill(self) -> None:
        """End the child now, if it still runs."""
        with self._lock:
            if not self._reaped:
                os.kill(self.pid, signal.SIGKILL)

    def _reap(self) -> int:
        """Return the exit status of the child, negative for a signal.

        The child has closed its pipe or was killed, so the wait is short.
        """
        with self._lock:
            _, status = os.waitpid(self.pid, 0)
            self._reaped = True
        return os.waitstatus_to_exitcode(status)


def _be_the_child(function: Callable[[], bytes], writer: int) -> NoReturn:  # pragma: no cover - see above
    status = 1
    try:
        gc.disable()
        os.nice(5)  # the service has priority
        view = memoryview(function())
        while view:
            view = view[os.write(writer, view) :]
        status = 0
    finally:
        os._exit(status)
