"""Numbers, ages and tables as short texts: a line of a phone has some 34 characters of fixed width."""

from __future__ import annotations

from collections.abc import Sequence

NONE = "–"
AGES = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))
SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def dollars(value: float | None) -> str:
    """Return an amount, such as `$1,234.50`."""
    return NONE if value is None else f"${value:,.2f}"


def percent(value: float | None) -> str:
    """Return a fraction in per cent, such as `28.4 %` for 0.284."""
    return NONE if value is None else f"{value * 100:.1f} %"


def score(value: float | None) -> str:
    """Return a rank or percentile, which is from 0 to 100, without a fraction."""
    return NONE if value is None else f"{value:.0f}"


def count(value: float | None) -> str:
    """Return a large number with two or three digits, such as `31.4M`."""
    if value is None:
        return NONE
    for scale, letter in SCALES:
        if value >= scale * 0.9995:
            return f"{value / scale:.{1 if value < 99.95 * scale else 0}f}{letter}"
    return f"{value:.0f}"


def quote(value: float | None) -> str:
    """Return a bid or ask for a column of a table: at most five characters below 10 000 dollars."""
    if not value:
        return NONE
    return f"{value:.2f}" if value < 99.995 else f"{value:.1f}" if value < 999.95 else f"{value:.0f}"


def strike(value: float) -> str:
    """Return a strike without needless digits: `250`, `2.5`."""
    return f"{value:g}" if value < 100_000 else f"{value:.0f}"


def age(seconds: float | None) -> str:
    """Return how old something is, such as `12 s old` or `3 days old`."""
    if seconds is None:
        return "of unknown age"
    for unit_s, unit in AGES:
        whole = int(seconds // unit_s)
        if whole >= 1:
            return f"{whole} {unit}{'s' if unit == 'day' and whole > 1 else ''} old"
    return "just now"


def cut(text: str, most: int) -> str:
    """Return the text, or its beginning with an ellipsis if it has more than `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def code(text: str, most: int = 40) -> str:
    """Return what a user has typed so that Discord shows it and does nothing with it."""
    plain = "".join(letter if letter.isprintable() and letter != "`" else " " for letter in cut(text, most))
    return f"`{plain.strip() or ' '}`"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return aligned lines, the first column to the left and all others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
