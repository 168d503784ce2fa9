"""The figures of a benchmark session, and the page they are written to."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import psutil

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

HEAD = """# Performance

Written by `make bench`, not by hand: each row was measured in one run of it, both sides in turn on the same machine,
and the ratio is how many times better the left side is. Times vary from machine to machine; the ratios much less.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row: a figure of ours beside one of what a user would use instead."""

    what: str
    ours: str
    against: str
    ratio: float | None  # better than the other by this factor; None where there is no other
    file: str  # the benchmark, to run it alone


class Results:
    """Collects rows; one file of benchmarks replaces only its own rows on the page."""

    def __init__(self) -> None:
        self.rows: list[Result] = []
        self.file = ""

    def add(self, *, what: str, ours: str, against: str = "", ratio: float | None = None) -> None:
        """Add one more row."""
        self.rows.append(Result(what=what, ours=ours, against=against, ratio=ratio, file=self.file))

    def write(self, page: Path = PAGE) -> None:
        """Put the rows on the page, and keep those of benchmarks that are there and did not run this time."""
        ran = {row.file for row in self.rows}
        others = [f"benchmarks/{path.name}" for path in Path(__file__).parent.glob("bench_*.py")]
        kept = [line for line in _lines_of(page) if any(f"`{file}`" in line for file in others if file not in ran)]
        page.parent.mkdir(exist_ok=True)
        page.write_text(HEAD + _machine() + "\n\n" + _TABLE_HEAD + "\n".join([*kept, *map(_line, self.rows)]) + "\n")


_TABLE_HEAD = "| what | here | against | ratio | benchmark |\n|---|---|---|---|---|\n"


def _lines_of(page: Path) -> list[str]:
    if not page.exists():
        return []
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return rows[1:]


def _line(row: Result) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return f"| {row.what} | {row.ours} | {row.against} | {ratio} | `{row.file}` |"


def _machine() -> str:
    memory_gb = psutil.virtual_memory().total / 2**30
    return (
        f"Last run: Python {platform.python_version()}, {psutil.cpu_count()} cores, {memory_gb:.0f} GB, "
        f"{platform.system()} {platform.machine()}."
    )
