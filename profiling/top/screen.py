"""A live table at a terminal, by the package rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from profiling.top.readings import Reading
from profiling.top.table import COLUMNS, LEFT, cells, headline

STATUS_STYLES = {"ok": "bold", "warning": "bold yellow", "critical": "bold red"}
VERDICT_STYLES = {"leaking": "bold red", "native_growth": "bold red", "growing": "yellow", "stable": "green"}
OTHER_LINES = 5  # of the screen: headline, head of the table, and what is not listed


@contextmanager
def live_table(output: TextIO) -> Iterator[Callable[[Reading], None]]:
    """Show readings on the whole terminal until the block ends; then leave the last one there."""
    console = Console(file=output)
    last: list[Reading] = []
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def show(reading: Reading) -> None:
            last[:] = [reading]
            live.update(table_of(reading, console.size.height), refresh=True)

        yield show
    for reading in last:
        console.print(table_of(reading, console.size.height))


def table_of(reading: Reading, height: int) -> Group:
    """Return a reading as a table that fits a terminal of so many lines."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    for name in COLUMNS:
        is_long = name in {"job or scope", "line"}
        table.add_column(
            name,
            justify="left" if name in LEFT else "right",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if is_long else None,
        )
    shown = reading.holders[: max(1, height - OTHER_LINES)]
    for holder in shown:
        verdict, *others = map(Text, cells(holder))  # a Text, because a name may look like markup
        verdict.stylize(VERDICT_STYLES.get(holder.state, "dim"))
        table.add_row(verdict, *others)
    omitted = len(reading.holders) - len(shown)
    told = [Text(f"{omitted} more are not listed", "dim")] if omitted else []
    return Group(Text(headline(reading), STATUS_STYLES.get(reading.status, "bold")), table, *told)
