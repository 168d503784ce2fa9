"""Sizes in the user's own units: a limit in MB is reported in MB, a limit in MiB in MiB."""

from __future__ import annotations

from dataclasses import dataclass

from profiling.units import format_bytes, parse_bytes

MIN_PLAIN_BYTES = 64_000
"""A limit without a unit must be at least this, because someone who writes 24 means MB."""

_DECIMAL = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Size:
    """A size of 0 or more, with the family of units that it was written in."""

    size_bytes: int
    is_decimal: bool

    @classmethod
    def parse(cls, text: str) -> Size:
        """Return the size in the text. Raises ValueError for other text, and for a negative size."""
        size_bytes = parse_bytes(text)
        if size_bytes < 0:
            raise ValueError(f"{text!r} is a negative size; write 0 or more")
        unit = text.strip().lower().lstrip("+0123456789. ")
        return cls(size_bytes, is_decimal=unit.upper() in _DECIMAL[1:])

    def __str__(self) -> str:
        return self.show(self.size_bytes)

    def show(self, size_bytes: float) -> str:
        """Format a size of 0 or more in the same family of units, in a form that `parse_bytes` reads."""
        whole = round(size_bytes)
        return format_decimal(whole) if self.is_decimal else format_bytes(whole)


def format_decimal(size_bytes: int) -> str:
    """Format a size in powers of 1000, up to TB: "512 B", "40.0 KB", "1.8 MB"."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value, unit = size_bytes / 1000, 1
    # Rounded first: 999.99 KB would else be printed as 1000.0 KB.
    while round(value, 1) >= 1000 and unit < len(_DECIMAL) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_DECIMAL[unit]}"


def parse_limit(text: str) -> Size:
    """Return the size of a limit. Raises ValueError, with what to write, for a limit that is probably a mistake."""
    size = Size.parse(text)
    if size.size_bytes == 0:
        raise ValueError(f"{text!r} leaves a test no memory; write a size above 0, like '24 MB'")
    number = text.strip()
    if size.size_bytes < MIN_PLAIN_BYTES and not number[-1].isalpha():
        raise ValueError(f"{number} is {size.size_bytes} bytes; write '{number} MB' if you mean MB, else '{number} B'")
    return size
