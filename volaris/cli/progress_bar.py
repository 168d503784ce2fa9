"""The progress of a job's run: a live bar at a terminal, or else a line from time to time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from volaris.scheduler import progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

TICK_S = 0.25
LINE_EVERY_S = 5.0


@dataclass(slots=True)
class RunState:
    """The progress of one run."""

    job_id: str
    rss_bytes: Callable[[], int]  # returns the current RSS of the process
    started_s: float = 0.0  # on the monotonic clock
    done: int = 0
    total: int = 0  # 0 if the job has not reported a total

    def report(self, done: int, total: int) -> None:
        """Note that `done` of `total` are finished; a listener for `progress.report`."""
        self.done, self.total = done, total

    def rss_text(self) -> str:
        """Return the RSS as the log writes it, in MB of 2**20 bytes."""
        return f"{self.rss_bytes() / 2**20:.1f} MB"


Show = Callable[[], None]  # updates what is shown


def run_shown(
    job_id: str, rss_bytes: Callable[[], int], out: TextIO | None = None
) -> AbstractAsyncContextManager[None]:
    """Return a context manager that shows the progress of the run while the block runs.

    The display is live if `out` (by default standard error) is a terminal, else it consists of lines. This may import
    from disk, so call it before the loop runs.
    """
    out = out or sys.stderr
    state = RunState(job_id, rss_bytes)
    return _kept_up_to_date(state, _live(state, out) if out.isatty() else _lines(state, out))


@asynccontextmanager
async def _kept_up_to_date(state: RunState, display: AbstractContextManager[Show]) -> AsyncIterator[None]:
    state.started_s = time.monotonic()
    with display as show, progress.listening(state.report):
        ticking = asyncio.create_task(_tick(show), name="progress")
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            show()


async def _tick(show: Show) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        show()


@contextmanager
def _lines(state: RunState, out: TextIO) -> Iterator[Show]:
    told_s = state.started_s

    def show() -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= LINE_EVERY_S:
            told_s = now_s
            out.write(_line(state, now_s) + "\n")
            out.flush()

    yield show


def _line(state: RunState, now_s: float) -> str:
    done = f"{state.done} of {state.total}, " if state.total else ""
    return f"{state.job_id}: {done}{now_s - state.started_s:.0f} s, {state.rss_text()}"


def _live(state: RunState, out: TextIO) -> AbstractContextManager[Show]:
    # Imported here: 2 MB that only a terminal needs.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    # Refreshed by our own task, without a thread. Log lines appear above the bar.
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rss]}"),
        console=Console(file=out),
        auto_refresh=False,
        redirect_stdout=False,
    )
    return _showing(bar, state)


@contextmanager
def _showing(bar: Progress, state: RunState) -> Iterator[Show]:
    with bar:
        task: TaskID = bar.add_task(state.job_id, total=None, rss=state.rss_text())

        def show() -> None:
            bar.update(task, completed=state.done, total=state.total or None, rss=state.rss_text(), refresh=True)

        yield show
