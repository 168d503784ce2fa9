"""Checks of a benchmark's memory against a saved run: pure functions over its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from profiling.units import format_bytes, format_change, parse_bytes

Field = Literal["peak", "retained", "blocks"]

NOISE_BYTES = 4_096
NOISE_BLOCKS = 16
"""Growth up to this passes every check in per cent: runs of the same code differ by some objects of the interpreter."""
LINES_SHOWN = 3
MIN_PART = 0.1  # share of the growth of all lines; a line is named from it on, because estimates vary by themselves
KEY = "memory"  # the key in a benchmark's `extra_info`

_CHECK = re.compile(r"\s*(peak|retained|blocks)\s*:\s*([^,%]+?)\s*(%?)\s*")


@dataclass(frozen=True, slots=True)
class Line:
    """A source line with the bytes that it held or kept."""

    file: str  # the path from the top package or the import path
    line: int
    function: str | None
    source: str | None
    size_bytes: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}{f' {self.function}' if self.function else ''}"

    @property
    def key(self) -> tuple[str, str | None, str | int]:
        """Return the line's identity across versions of the file, in which its number may differ."""
        return self.file, self.function, self.source or self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The memory figures of one function."""

    peak_bytes: int  # traced memory above what there was before; the median of some runs
    retained_bytes: int  # bytes that a run leaves behind; the median of some runs
    blocks: int  # blocks that a run leaves behind; the median of some runs
    peak_lines: tuple[Line, ...]  # estimated, at the peak; largest first
    retained_lines: tuple[Line, ...]  # kept by the median run; largest first
    note: str | None = None  # why `peak_lines` is empty

    def to_info(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return {
            "peak_bytes": self.peak_bytes,
            "retained_bytes": self.retained_bytes,
            "blocks": self.blocks,
            "peak_lines": [_line_to_info(line) for line in self.peak_lines],
            "retained_lines": [_line_to_info(line) for line in self.retained_lines],
            "note": self.note,
        }

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Figures:
        """Return the figures in JSON of this or a later version. Raises KeyError, TypeError or ValueError otherwise."""
        return cls(
            peak_bytes=int(info["peak_bytes"]),
            retained_bytes=int(info["retained_bytes"]),
            blocks=int(info["blocks"]),
            peak_lines=tuple(_line_from_info(line) for line in info["peak_lines"]),
            retained_lines=tuple(_line_from_info(line) for line in info["retained_lines"]),
            note=info["note"],
        )


def _line_to_info(line: Line) -> dict[str, Any]:
    return {
        "file": line.file,
        "line": line.line,
        "function": line.function,
        "source": line.source,
        "size_bytes": line.size_bytes,
    }


def _line_from_info(info: Mapping[str, Any]) -> Line:
    return Line(info["file"], int(info["line"]), info["function"], info["source"], int(info["size_bytes"]))


@dataclass(frozen=True, slots=True)
class Check:
    """A limit for the growth of one field."""

    field: Field
    allowed: float  # per cent, bytes or blocks
    is_share: bool

    def __str__(self) -> str:
        """Return the check so that `parse_checks` reads back exactly the same, however it was written."""
        if self.is_share or self.field == "blocks":
            number = f"{self.allowed:.6f}".rstrip("0").rstrip(".")  # `g` would round, and write exponents
            return f"{self.field}:{number}{'%' if self.is_share else ''}"
        return f"{self.field}:{round(self.allowed)} B"

    def failure(self, now: Figures, saved: Figures, against: str) -> str | None:
        """Return what has grown by more than is allowed, with the lines that grew; None if the check passes.

        Below that is the text of each named line. `against` is the name of the saved run.
        """
        value, was = self._value(now), self._value(saved)
        if value - was <= self._most(was):
            return None
        show = str if self.field == "blocks" else format_bytes
        is_noise = was <= (NOISE_BLOCKS if self.field == "blocks" else NOISE_BYTES)
        share = "" if is_noise else f", {100 * (value - was) / was:+.0f}%"
        what = {"peak": "peak", "retained": "retained per run", "blocks": "blocks kept per run"}[self.field]
        told = f"{what} is {show(value)}, was {show(was)}{share} (allowed: {self})"
        note, grown = self._grown(now, saved)
        named = [f"{format_change(more)} at {line}" for line, more in grown]
        texts = [f"  {line.file}:{line.line}  {line.source}" for line, _ in grown if line.source]
        return "\n".join([f"{'; '.join([told, *note, *named])} - against {against}", *texts])

    def _value(self, figures: Figures) -> int:
        return {"peak": figures.peak_bytes, "retained": figures.retained_bytes, "blocks": figures.blocks}[self.field]

    def _most(self, was: int) -> float:
        if not self.is_share:
            return self.allowed
        return max(max(0, was) * self.allowed / 100, NOISE_BLOCKS if self.field == "blocks" else NOISE_BYTES)

    def _grown(self, now: Figures, saved: Figures) -> tuple[list[str], list[tuple[Line, int]]]:
        """Return the lines that have grown the most, or the reason why there are none."""
        of_peak = self.field == "peak"
        lines, past = (now.peak_lines, saved.peak_lines) if of_peak else (now.retained_lines, saved.retained_lines)
        if of_peak and (note := now.note or saved.note):
            return [f"the lines are not known, because {note}"], []
        grown = grown_lines(lines, past)
        least_bytes = MIN_PART * sum(more for _, more in grown)
        return [], [(line, more) for line, more in grown[:LINES_SHOWN] if more >= least_bytes]


def grown_lines(lines: Sequence[Line], past: Sequence[Line]) -> list[tuple[Line, int]]:
    """Return the lines that hold more than before, with the growth, largest first. Lines are matched by their text."""
    was: dict[object, int] = {}
    for line in past:
        was[line.key] = was.get(line.key, 0) + line.size_bytes
    now: dict[object, tuple[Line, int]] = {}
    for line in lines:
        first, size_bytes = now.get(line.key, (line, 0))
        now[line.key] = first, size_bytes + line.size_bytes
    grown = [(line, size_bytes - was.get(key, 0)) for key, (line, size_bytes) in now.items()]
    return sorted(((line, more) for line, more in grown if more > 0), key=lambda entry: -entry[1])


def parse_checks(text: str) -> tuple[Check, ...]:
    """Return checks such as "peak:10%", "retained:4 KB" and "blocks:100", separated by commas or line breaks.

    Raises ValueError for any other text.
    """
    return tuple(_check(part) for part in re.split(r"[,\n]", text) if part.strip())


def _check(text: str) -> Check:
    match = _CHECK.fullmatch(text)
    if match is None:
        raise ValueError(f"{text.strip()!r} is not of the form FIELD:GROWTH, like 'peak:10%'; {_FIT}")
    field: Field = match[1]  # type: ignore[assignment]  # the pattern has no others
    try:
        if match[3] or field == "blocks":
            return Check(field, _number(match[2]), is_share=bool(match[3]))
        return Check(field, _not_negative(parse_bytes(match[2])), is_share=False)
    except ValueError as error:
        raise ValueError(f"{text.strip()!r}: {error}") from error


_FIT = "FIELD is peak, retained or blocks; GROWTH is per cent, a size, or for blocks a number"


def _number(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text):
        raise ValueError(f"{text!r} is not a number; write 0 or more")
    return float(text)


def _not_negative(size_bytes: int) -> int:
    if size_bytes < 0:
        raise ValueError("GROWTH must be 0 or more")
    return size_bytes
