"""What the allocators hold: malloc of the C library, and the arenas of pymalloc above it."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class CHeap:
    """The memory that malloc has got from the kernel."""

    used_bytes: int  # handed out to the program, including large blocks with a mapping of their own
    free_bytes: int | None  # freed by the program but kept by malloc; None if the C library is not glibc
    mapped_bytes: int | None = None  # all that malloc has got from the kernel; None if the C library is not glibc


@dataclass(frozen=True, slots=True, kw_only=True)
class Arenas:
    """Memory of pymalloc, which serves objects of up to 512 bytes. The rest of `size_bytes` is headers and rounding."""

    size_bytes: int
    used_bytes: int  # in blocks that are in use
    free_bytes: int  # in free blocks and unused pools: Python reuses it, and rarely gives it back


class Mallinfo2(ctypes.Structure):
    """glibc's struct mallinfo2 (2.33 on); see mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def find_mallinfo2(libc: Any) -> Callable[[], Any] | None:
    """Return glibc's mallinfo2, or None if the C library is another one (musl, macOS)."""
    function = getattr(libc, "mallinfo2", None)
    if function is not None:
        function.restype = Mallinfo2
        function.argtypes = []
    return cast("Callable[[], Any] | None", function)


_libc = ctypes.CDLL(None)  # calls through it release the GIL
_glibc = find_mallinfo2(_libc)
_psutil: Callable[[], Any] | None = getattr(psutil, "heap_info", None)


def c_heap(
    mallinfo2: Callable[[], Any] | None = _glibc,
    heap_info: Callable[[], Any] | None = _psutil,
) -> CHeap | None:
    """Return what malloc holds, or None if neither glibc nor psutil reports it.

    glibc is asked first, because `heap_info` of psutil leaves the free bytes out. The call takes microseconds, but it
    walks malloc's lists of free chunks: 10 ms for 200 000 chunks.
    """
    if mallinfo2 is not None:
        info = mallinfo2()
        return CHeap(
            used_bytes=info.uordblks + info.hblkhd, free_bytes=info.fordblks, mapped_bytes=info.arena + info.hblkhd
        )
    if heap_info is not None:
        info = heap_info()
        return CHeap(used_bytes=info.heap_used + info.mmap_used, free_bytes=None)
    return None


def trim() -> bool:
    """Make malloc give free memory back to the kernel; return False if it cannot. The call releases the GIL."""
    malloc_trim = getattr(_libc, "malloc_trim", None)
    if malloc_trim is None:
        return False
    malloc_trim(0)
    return True


def arenas_text() -> bytes:  # pragma: no cover - coverage does not see a forked child
    """Return what `sys._debugmallocstats` prints. Call this in a forked child only: it redirects file descriptor 2."""
    # A memory file instead of a pipe, because a pipe that nobody reads holds 64 KiB at most, and 4 KiB for some users.
    file = os.memfd_create("arenas")
    os.dup2(file, 2)
    sys._debugmallocstats()  # noqa: SLF001 - no other function reports these figures
    size_bytes = os.lseek(file, 0, os.SEEK_CUR)
    return os.pread(file, size_bytes, 0)


_FIGURES = {
    "size": re.compile(r"^\d+ arenas \* \d+ bytes/arena +=\s*([\d,]+)$", re.MULTILINE | re.ASCII),
    "used": re.compile(r"^# bytes in allocated blocks +=\s*([\d,]+)$", re.MULTILINE | re.ASCII),
    "available": re.compile(r"^# bytes in available blocks +=\s*([\d,]+)$", re.MULTILINE | re.ASCII),
    "unused": re.compile(r"^\d+ unused pools \* \d+ bytes +=\s*([\d,]+)$", re.MULTILINE | re.ASCII),
}


def parse_arenas(text: str) -> Arenas | None:
    """Return the figures in the output of `sys._debugmallocstats`, or None if pymalloc is not in use."""
    figures = {}
    for name, pattern in _FIGURES.items():
        match = pattern.search(text)
        digits = match[1].replace(",", "") if match else ""
        if not digits:
            return None
        figures[name] = int(digits)
    return Arenas(
        size_bytes=figures["size"],
        used_bytes=figures["used"],
        free_bytes=figures["available"] + figures["unused"],
    )
