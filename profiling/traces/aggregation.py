"""Counts raw traces into bytes and blocks by line, and encodes the result for a pipe: pure functions."""

from __future__ import annotations

import collections
import marshal
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any

from profiling.records import SiteKey

_count_elements: Callable[[dict[Any, int], Iterable[Any]], None] = collections._count_elements  # type: ignore[attr-defined]  # noqa: SLF001

COUNTED_AT_ONCE = 256
"""Python keeps the integers up to 256 ready; larger counts would be created, and traced, for each trace.

That takes twice the time if many traces share a line, as neighbouring traces do.
"""

TotalsByLine = dict[SiteKey, list[int]]
"""Bytes and blocks by line while they are counted."""

SiteOf = Callable[[tuple[SiteKey, ...]], SiteKey]
"""Selects the frame that a trace is attributed to from its frames, innermost first."""

innermost: SiteOf = itemgetter(0)
"""Attribute a trace to the line that allocated."""

_size_and_frames = itemgetter(1, 2)


def aggregate_traces(raw: Iterable[Any], sums: TotalsByLine, site_of: SiteOf = innermost) -> None:
    """Add each trace's bytes to the line that it is attributed to, by counting equal traces in C."""
    equal = map(_size_and_frames, raw)
    while True:
        counted: dict[tuple[int, tuple[SiteKey, ...]], int] = {}
        # Counter.update calls this too; called from here, its own allocations can be recognised as the profiler's.
        _count_elements(counted, islice(equal, COUNTED_AT_ONCE))
        if not counted:
            return
        for (size_bytes, frames), count in counted.items():
            site = site_of(frames)
            row = sums.get(site)
            if row is None:
                sums[site] = [size_bytes * count, count]
            else:
                row[0] += size_bytes * count
                row[1] += count


def rows_of(sums: TotalsByLine) -> Iterator[tuple[SiteKey, int, int]]:
    """Yield (line, bytes, blocks) for each line."""
    return ((key, size_bytes, count) for key, (size_bytes, count) in sums.items())


def encode_table(traces: int, rows: Iterable[tuple[SiteKey, int, int]]) -> bytes:
    """Encode a table: each file name once, and four columns of numbers."""
    files: dict[str, int] = {}
    file_of, lines, sizes, counts = columns = array("q"), array("q"), array("q"), array("q")
    for (file, line), size_bytes, count in rows:
        file_of.append(files.setdefault(file, len(files)))
        lines.append(line)
        sizes.append(size_bytes)
        counts.append(count)
    return marshal.dumps((traces, list(files), *(column.tobytes() for column in columns)))


def decode_table(data: bytes) -> tuple[int, Iterator[tuple[SiteKey, int, int]]]:
    """Return the number of traces and the rows of a table that `encode_table` has encoded."""
    traces, files, *columns = marshal.loads(data)  # noqa: S302 - written by our own child
    file_of, lines, sizes, counts = (array("q", column) for column in columns)
    keys = ((files[file], line) for file, line in zip(file_of, lines, strict=True))
    return traces, zip(keys, sizes, counts, strict=True)
