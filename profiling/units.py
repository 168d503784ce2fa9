"""Sizes as text and back: every size that is printed here can be parsed here.

Text uses binary units ("1.8 MiB"). A figure that is called MB (`memory_mb`, MEMORY_LIMIT_MB) also counts 2**20 bytes
per MB, because psutil's users print it so, and because the limit "512m" of a container means that.
"""

from __future__ import annotations

import re

MB = 1 << 20

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_DECIMAL = ("KB", "MB", "GB", "TB")
_FACTORS: dict[str, int] = {unit.lower(): 1024**power for power, unit in enumerate(_BINARY)} | {
    unit.lower(): 1000**power for power, unit in enumerate(_DECIMAL, start=1)
}
_SIZE = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", re.ASCII)
_LONGEST_CHARS = 64  # longest text that is parsed as a size
_SHOWN_CHARS = 40  # longest part of a wrong text that an error shows


def to_mb(size_bytes: float) -> float:
    """Return bytes as MB of 2**20 bytes, to two places, for the keys that end in `_mb`."""
    return round(size_bytes / MB, 2)


def format_bytes(size_bytes: int) -> str:
    """Return a size in the form that people read: "512 B", "40.0 KiB", "1.8 MiB".

    From KiB on, sizes have one decimal place; TiB is the largest unit.
    """
    return _format(size_bytes, sign="")


def format_change(size_bytes: int) -> str:
    """Return a size as `format_bytes` does, but always with a sign: "+1.8 MiB", "-512 B", "+0 B"."""
    return _format(size_bytes, sign="+")


def _format(size_bytes: int, sign: str) -> str:
    if abs(size_bytes) < 1024:
        return f"{size_bytes:{sign}d} B"
    value, unit = size_bytes / 1024, 1
    # Rounded first, because 1023.99 KiB would otherwise be printed as 1024.0 KiB, which parses to 1.0 MiB.
    while round(abs(value), 1) >= 1024 and unit < len(_BINARY) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:{sign}.1f} {_BINARY[unit]}"


def parse_bytes(text: str) -> int:
    """Return the bytes of a size such as "24 MB", "10.0MiB" or "512", rounded to a whole byte.

    KB, MB, GB and TB are powers of 1000; KiB to TiB are powers of 1024. No unit means bytes, case does not matter, and
    a sign is kept. Raises ValueError, which names the accepted units, for other text and for more than 64 characters.
    """
    match = _SIZE.fullmatch(text) if len(text) <= _LONGEST_CHARS else None
    factor = _FACTORS.get(match[2].lower() or "b") if match else None
    if match is None or factor is None:
        shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."
        raise ValueError(
            f"{shown!r} is not a size; write a number of bytes, or a number with a unit, like '24 MB' or '10.0MiB'; "
            f"the units are {', '.join((*_BINARY, *_DECIMAL))}"
        )
    from decimal import Decimal  # uses 0.3 MB, which programs that parse no size do not need

    return round(Decimal(match[1]) * factor)
