"""Rings of readings of fixed size. Pure: the time of a reading comes with it.

A row is 23 whole numbers of 4 bytes; with all rings full these are 3 336 rows of 92 bytes, 0.3 MB. Sizes are in KiB.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

from profiling.records.timeline import Reading, Span

MAX_HELD = 16  # jobs and scopes with a column
FIGURES = ("rss", "peak", "limit", "python", "c_heap", "free")
HELD_AT = 1 + len(FIGURES)  # the first column of what jobs and scopes hold; column 0 is the number of the step
WIDTH = HELD_AT + MAX_HELD
UNKNOWN = 2**32 - 1
KIB = 1024
RSS, PEAK = 1, 2
REPLACED_FROM = 1.25  # times what the smallest column has, so that two of a size do not replace each other for ever
STEPS: Mapping[Span, tuple[int, int]] = {
    Span.TEN_MINUTES: (1, 600),
    Span.TWO_HOURS: (10, 720),
    Span.WEEK: (300, 2_016),
}
"""Seconds per row, and the highest number of rows."""


def to_kib(size_bytes: float | None) -> int:
    """Return the size in whole KiB, or UNKNOWN."""
    return UNKNOWN if size_bytes is None else min(max(0, round(size_bytes / KIB)), UNKNOWN - 1)


class Ring:
    """The last rows of one distance in time, in an array that grows up to its full size."""

    def __init__(self, step_s: int, max_rows: int) -> None:
        self.step_s = step_s
        self._max_rows = max_rows
        self._rows = array("I")
        self._oldest = 0  # number of the oldest row; not 0 only if the ring is full
        self._readings = 0  # of the newest row

    def record(self, at_s: float, row: Sequence[int]) -> None:
        """Add a reading to the row of its time; a reading from before the newest row counts to that row."""
        step = int(at_s // self.step_s)
        begin = self._newest()
        if begin is None or step > self._rows[begin]:
            self._append(step, row)
        else:
            self._merge(begin, row)

    def rows(self) -> array[int]:
        """Return a copy of all rows, oldest first."""
        begin = self._oldest * WIDTH
        return self._rows[begin:] + self._rows[:begin]

    def restore(self, rows: array[int], now_s: float) -> None:
        """Replace all rows by those of an earlier process that are not of the future. Raises ValueError."""
        if len(rows) % WIDTH or len(rows) > self._max_rows * WIDTH:
            raise ValueError(f"{len(rows)} numbers are not rows of {WIDTH}, or are too many")
        steps = rows[::WIDTH]
        if any(later <= earlier for earlier, later in pairwise(steps)):
            raise ValueError("the rows are not in the order of time")
        known = sum(step * self.step_s <= now_s for step in steps)
        self._rows, self._oldest, self._readings = rows[: known * WIDTH], 0, 1

    def forget_column(self, column: int) -> None:
        """Make all figures in a column unknown, because the column is for something else from now on."""
        self._rows[column::WIDTH] = array("I", [UNKNOWN]) * (len(self._rows) // WIDTH)

    def _newest(self) -> int | None:
        if not self._rows:
            return None
        return (self._oldest * WIDTH - WIDTH) % len(self._rows)

    def _append(self, step: int, row: Sequence[int]) -> None:
        packed = array("I", chain((step,), row))
        self._readings = 1
        if len(self._rows) < self._max_rows * WIDTH:
            self._rows.extend(packed)
            return
        begin = self._oldest * WIDTH
        self._rows[begin : begin + WIDTH] = packed
        self._oldest = (self._oldest + 1) % self._max_rows

    def _merge(self, begin: int, row: Sequence[int]) -> None:
        rss, peak = self._rows[begin + RSS], self._rows[begin + PEAK]
        for column, value in enumerate(row, 1):
            if value != UNKNOWN:
                self._rows[begin + column] = value
        self._readings += 1
        self._rows[begin + RSS] = round(rss + (row[RSS - 1] - rss) / self._readings)
        self._rows[begin + PEAK] = max(peak, row[PEAK - 1])


class Rings:
    """One ring for each span, with the names of the jobs and scopes that have a column."""

    def __init__(self) -> None:
        self._rings = {span: Ring(*steps) for span, steps in STEPS.items()}
        self._names: list[str | None] = [None] * MAX_HELD
        self._held = [0] * MAX_HELD  # the last figures, in KiB

    def record(self, reading: Reading) -> None:
        """Add a reading to each ring."""
        rss, parts = to_kib(reading.rss_bytes), reading.parts
        figures = (reading.limit_bytes, parts.python_bytes, parts.c_heap_bytes, parts.free_bytes)
        held = [UNKNOWN] * MAX_HELD if reading.held is None else self._columns(reading.held)
        row = (rss, rss, *map(to_kib, figures), *held)
        for ring in self._rings.values():
            ring.record(reading.at_s, row)

    def step_s(self, span: Span) -> int:
        """Return the seconds from row to row."""
        return self._rings[span].step_s

    def rows(self, span: Span) -> array[int]:
        """Return the rows of a span, oldest first."""
        return self._rings[span].rows()

    def names(self) -> list[str | None]:
        """Return what each of the last columns is for; None if it is unused."""
        return list(self._names)

    def columns_by_size(self) -> dict[str, int]:
        """Return the column of each job and scope, the one that holds most now first."""
        ranked = sorted((-self._held[at], at) for at, name in enumerate(self._names) if name is not None)
        return {str(self._names[at]): HELD_AT + at for _, at in ranked}

    def restore(self, names: Sequence[str | None], rows: Mapping[Span, array[int]], now_s: float) -> None:
        """Continue the rings of an earlier process. Raises ValueError if they are not what `rows` returns."""
        if len(names) != MAX_HELD or len({*names} - {None}) != sum(name is not None for name in names):
            raise ValueError("there must be a name, or none, for each column, and none of them twice")
        for span, ring in self._rings.items():
            ring.restore(rows[span], now_s)
        self._names = list(names)
        newest = self._rings[Span.TEN_MINUTES].rows()[-WIDTH:][HELD_AT:] or [UNKNOWN] * MAX_HELD
        self._held = [0 if size == UNKNOWN else size for size in newest]

    def _columns(self, held: Mapping[str, int]) -> list[int]:
        """Return a figure for each column; whoever holds much has a column, at the expense of who holds little."""
        for at, name in enumerate(self._names):
            self._held[at] = 0 if name is None else to_kib(held.get(name, 0))
        for name in sorted(held.keys() - {*self._names}, key=lambda name: (-held[name], name)):
            column = self._column_for(to_kib(held[name]))
            if column is None:
                break
            if self._names[column] is not None:
                for ring in self._rings.values():
                    ring.forget_column(HELD_AT + column)
            self._names[column], self._held[column] = name, to_kib(held[name])
        return [UNKNOWN if name is None else size for name, size in zip(self._names, self._held, strict=True)]

    def _column_for(self, size: int) -> int | None:
        """Return an unused column, or the one with the least if that is clearly less than this size."""
        if size == 0:
            return None
        if None in self._names:
            return self._names.index(None)
        smallest = min(range(MAX_HELD), key=lambda at: (self._held[at], at))
        return smallest if size > REPLACED_FROM * self._held[smallest] else None
