"""Memory by source line: tables, what a run kept, and how far estimates can be trusted."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SiteKey = tuple[str, int]
"""A source line: the file as the code object names it, and the line number from 1."""

UNKNOWN_SITE: SiteKey = ("<unknown>", 0)
"""The line to which tracemalloc attributes memory that was allocated without a Python frame."""


@dataclass(frozen=True, slots=True)
class SiteTable:
    """Bytes and blocks by source line, packed: 24 bytes per row, beside the keys, which all tables share."""

    keys: tuple[SiteKey, ...]
    sizes: array[int]  # bytes, signed 64 bit
    counts: array[int]  # blocks, signed 64 bit
    errors: array[float] | None = None  # standard errors of the sizes, bytes; None if they are exact

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[SiteKey, int, int]]) -> SiteTable:
        """Pack (key, bytes, blocks) rows, in their order."""
        keys, sizes, counts = [], array("q"), array("q")
        for key, size_bytes, count in rows:
            keys.append(key)
            sizes.append(size_bytes)
            counts.append(count)
        return cls(tuple(keys), sizes, counts)

    def rows(self) -> Iterator[tuple[SiteKey, int, int]]:
        """Return each line with its bytes and blocks."""
        return zip(self.keys, self.sizes, self.counts, strict=True)

    def beside(self, past: SiteTable) -> Iterator[tuple[SiteKey, tuple[int, int, int, int]]]:
        """Yield every line of either table with its bytes, their change, its blocks, and their change."""
        old = {key: (size_bytes, count) for key, size_bytes, count in past.rows()}
        for key, size_bytes, count in self.rows():
            old_bytes, old_count = old.pop(key, (0, 0))
            yield key, (size_bytes, size_bytes - old_bytes, count, count - old_count)
        for key, (old_bytes, old_count) in old.items():
            yield key, (0, -old_bytes, 0, -old_count)

    def changed_since(self, past: SiteTable) -> SiteTable:
        """Return the lines whose bytes or blocks differ from those of `past`, with the differences."""
        return SiteTable.from_rows(
            (key, size_diff_bytes, count_diff)
            for key, (_, size_diff_bytes, _, count_diff) in self.beside(past)
            if size_diff_bytes or count_diff
        )

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all lines together."""
        return sum(self.sizes)

    @property
    def count(self) -> int:
        """Return the blocks of all lines together."""
        return sum(self.counts)

    @property
    def overhead_bytes(self) -> int:
        """Return the bytes that the table itself takes, without its keys."""
        return (24 if self.errors is None else 32) * len(self.keys) + 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The time and memory that the profiler itself took for one measurement."""

    duration_s: float  # wall time, including waiting for a child
    stall_s: float  # longest time that the event loop was blocked in one piece
    memory_bytes: int  # most memory that the measurement used at once in this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What tracemalloc saw alive at one moment, by line. The profiler's own memory is kept apart from the table."""

    table: SiteTable
    traced_bytes: int  # the size of all traces
    profiler_bytes: int  # the part that the profiler itself allocated, which is not in the table
    traces: int
    session: int  # number of the session of tracing; only tables of one session can be compared
    cost: Cost

    @property
    def program_bytes(self) -> int:
        """Return the traced memory without the profiler's own."""
        return self.traced_bytes - self.profiler_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How precise estimates are. The truth is within two standard errors 19 times out of 20."""

    bytes_per_sample: float  # on average
    live_error_bytes: float  # standard error of what is alive, over all lines
    retained_error_bytes: float  # standard error of what the run kept, over all lines
    peak: SiteTable | None  # lines at the peak of the run's own memory, to within 5 %; None if the peak was not watched


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProfile:
    """What a run kept by line: exact for the whole process, or estimated for the job alone."""

    live: SiteTable  # alive after the run: of the whole process if exact, of the job if estimated
    retained: SiteTable  # after minus before, only lines that changed; negative if memory was freed
    traced_bytes: int  # traced memory after the run, without the profiler's own
    traced_diff_bytes: int  # traced memory after minus before, without the profiler's own
    traced_peak_bytes: int | None  # highest traced memory of the process in the run; None if it is not known
    profiler_bytes: int  # the profiler's own share of the traced memory after the run
    traces: int  # number of traces, or of samples
    session: int  # number of the session of tracing or sampling; only runs of one session can be compared
    precision: Precision | None = None  # None if the figures are exact
