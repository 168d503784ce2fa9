"""Memory by source line: tables, what a run kept, and how far estimates can be trusted."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SiteKey = tuple[str, int]
"""A source line: the file as the code object names it, and the line number from 1."""

UNKNOWN_SITE: SiteKey = ("<unknown>", 0)
"""Where tracemalloc puts what was allocated with no Python frame at work."""


@dataclass(frozen=True, slots=True)
class SiteTable:
    """Bytes and blocks by source line, packed: 24 bytes a row beside the keys, which all tables share."""

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
        """Yield every line of either table with its bytes now, their change, its blocks now, and their change."""
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
        """Sum over all lines."""
        return sum(self.sizes)

    @property
    def count(self) -> int:
        """Return the blocks over all lines."""
        return sum(self.counts)

    @property
    def overhead_bytes(self) -> int:
        """Return what the table itself costs, without its keys."""
        return (24 if self.errors is None else 32) * len(self.keys) + 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the profiler itself took for one measurement."""

    duration_s: float  # wall time, waiting for a child included
    stall_s: float  # longest time that the loop was held in one piece
    memory_bytes: int  # most memory that was in use for it at once, in this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What tracemalloc saw alive at one moment, by line. The profiler's own memory is a figure beside the table."""

    table: SiteTable
    traced_bytes: int  # the sizes of all traces
    profiler_bytes: int  # the part of it that the profiler allocated, not in the table
    traces: int
    session: int  # which stretch of tracing this was; tables of two stretches do not compare
    cost: Cost

    @property
    def program_bytes(self) -> int:
        """Return the traced memory without the profiler's."""
        return self.traced_bytes - self.profiler_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How far estimates can be trusted. Standard errors: the truth is within two of them 19 times of 20."""

    bytes_per_sample: float  # in the mean
    live_error_bytes: float  # of what is alive, over all lines
    retained_error_bytes: float  # of what the run kept, over all lines
    peak: SiteTable | None  # alive when the run's own memory was highest, to within 5 %; None if it was not watched


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProfile:
    """What a run kept by line: exact from tracemalloc for the whole process, or estimated for the job alone."""

    live: SiteTable  # alive after the run: from whatever source if exact, of the job if estimated
    retained: SiteTable  # after less before, lines that changed only; negative if memory went
    traced_bytes: int  # after the run, without the profiler's own
    traced_diff_bytes: int  # after less before, without the profiler's own
    traced_peak_bytes: int | None  # highest in the run, whoever allocated; None if it is not known
    profiler_bytes: int  # the profiler's own share of the traced memory, after the run
    traces: int  # or samples
    session: int  # which stretch of tracing, or of sampling, this was
    precision: Precision | None = None  # None if the figures are exact
