"""A reading as rows of text: pure functions."""

from __future__ import annotations

from collections.abc import Iterator

from profiling.report.headline import size_text
from profiling.top.readings import Holder, Reading

COLUMNS = ("verdict", "held", "per call", "per hour", "full in", "calls", "job or scope", "line")
LEFT = {"verdict", "job or scope", "line"}  # columns of words; all others are of numbers
WIDTHS = (17, 9, 9, 9, 8, 8, 32)  # of all columns but the last


def headline(reading: Reading) -> str:
    """Return how full the memory is, in a line."""
    told = f"{reading.at:%H:%M:%S}  {reading.memory_mb:,.0f} MB, {reading.memory_percent:.1f} % of the limit"
    note = f"; {reading.note}" if reading.note else ""
    return f"{told}, {reading.status}, process {reading.process}{note}"


def cells(holder: Holder) -> tuple[str, ...]:
    """Return the cells of a row, one for each column."""
    return (
        holder.state.replace("_", " "),
        _size(holder.held_bytes),
        _size(holder.bytes_per_call),
        _size(holder.bytes_per_hour),
        _span(holder.full_in_s),
        str(holder.calls),
        holder.name,
        holder.place,
    )


def lines(reading: Reading, limit: int) -> Iterator[str]:
    """Yield a reading as lines of text for a pipe."""
    yield headline(reading)
    yield _line(COLUMNS)
    for holder in reading.holders[:limit]:
        yield _line(cells(holder))
    if len(reading.holders) > limit:
        yield f"{len(reading.holders) - limit} more are not listed"


def _line(texts: tuple[str, ...]) -> str:
    aligned = [
        text.ljust(width) if name in LEFT else text.rjust(width)
        for name, text, width in zip(COLUMNS, texts, WIDTHS, strict=False)
    ]
    return "  ".join([*aligned, texts[-1]]).rstrip()


def _size(size_bytes: float | None) -> str:
    return "" if size_bytes is None else size_text(size_bytes)


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit_s, unit, most in ((1, "s", 100), (60, "min", 100), (3_600, "h", 48)):
        if round(seconds / unit_s) < most:
            return f"{round(seconds / unit_s)} {unit}"
    return f"{round(seconds / 86_400)} d"
