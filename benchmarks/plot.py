"""A series of figures by the hour, as bars in a terminal and as a line in an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

BAR_WIDTH = 60
WIDTH, HEIGHT, MARGIN = 720, 300, 48
FONT = 'font-family="sans-serif" font-size="11"'


def bars(values: Sequence[float], unit: str) -> str:
    """Return one line per hour, from zero, so that half the bar is half the memory."""
    most = max(values)
    lines = []
    for hour, value in enumerate(values, 1):
        eighths = round(value / most * BAR_WIDTH * 8)
        bar = "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")
        lines.append(f"{hour:4} {value:7.1f} {unit} {bar}")
    return "\n".join(lines)


def svg(series: dict[str, Sequence[float]], *, title: str, unit: str, until_h: float) -> str:
    """Return a picture of lines over the hours of a day, from zero, each series spread evenly over the day."""
    most = nice_top(max(max(values) for values in series.values()))
    colours = ("#1f6feb", "#d1242f", "#2da44e", "#8250df")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{MARGIN}" y="20" font-size="14">{escape(title)}</text>',
        *_grid(most, unit, until_h),
    ]
    for number, (name, values) in enumerate(series.items()):
        colour = colours[number % len(colours)]
        points = " ".join(
            f"{_x(place / max(1, len(values) - 1)):.1f},{_y(value / most):.1f}" for place, value in enumerate(values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{WIDTH - MARGIN}" y="{20 + 14 * number}" fill="{colour}" text-anchor="end">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def write_svg(path: Path, picture: str) -> None:
    """Put a picture into a file, whose folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture)


def nice_top(value: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten that is not below `value`."""
    step = 1.0
    while step < value:
        step *= 10
    return min(top for top in (step / 10, step / 5, step / 4, step / 2, step) if top >= value)


def _grid(most: float, unit: str, until_h: float) -> list[str]:
    parts = []
    for fifth in range(6):
        y = _y(fifth / 5)
        parts.append(f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{most * fifth / 5:g}</text>')
    parts.append(f'<text x="{MARGIN - 6}" y="{MARGIN - 14}" text-anchor="end">{escape(unit)}</text>')
    foot = f'y="{HEIGHT - MARGIN + 18}" text-anchor="middle"'
    parts.extend(f'<text x="{_x(h / until_h):.1f}" {foot}>{h} h</text>' for h in range(0, round(until_h) + 1, 3))
    return parts


def _x(share: float) -> float:
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _y(share: float) -> float:
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)
