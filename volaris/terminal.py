"""What the command line shows: how a run is coming along, and a symbol's figures as a table."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from volaris import progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

TICK_S = 0.25
LINE_EVERY_S = 5.0

ESTIMATORS = ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")
WINDOWS = (10, 20, 60)


@dataclass(slots=True)
class RunState:
    """How far a run is."""

    job_id: str
    rss_bytes: Callable[[], int]  # of the process, now
    started_s: float = 0.0  # monotonic
    done: int = 0
    total: int = 0  # 0: the job has not told

    def report(self, done: int, total: int) -> None:
        """As progress.report."""
        self.done, self.total = done, total

    def rss_text(self) -> str:
        """As in the log: megabytes of 2**20 bytes."""
        return f"{self.rss_bytes() / 2**20:.1f} MB"


Show = Callable[[], None]  # brings what is shown up to date


def run_shown(
    job_id: str, rss_bytes: Callable[[], int], out: TextIO | None = None
) -> AbstractAsyncContextManager[None]:
    """While the block runs, show how far the run is: live where `out` (standard error) is a terminal, else in lines.

    May import from disk: to be called before the loop runs.
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
    # Imported here: 2 MB that only a person at a terminal has a use for.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    # Refreshed by our own task and not by a thread of its own. What is logged meanwhile comes out above it.
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


def iv_table(answer: Mapping[str, Any]) -> str:
    """The answer of GET /api/v1/iv/{symbol} as text: figures, realised volatility, term structure, last days."""
    latest = answer["latest"]
    if latest is None:
        return f"{answer['symbol']}: no figures yet; iv_metrics computes them from the chains of options_refresh"
    head = (
        f"{answer['symbol']}  {latest['day']}  spot {latest['spot']:.2f}  from {latest['source']}, "
        f"{latest['contracts']} contracts, computed at {latest['computed_at']}"
    )
    parts = ([head], _figures(latest), _realised(latest), _terms(latest["terms"]), _days(answer["history"]))
    return "\n\n".join("\n".join(part) for part in parts)


def _figures(latest: Mapping[str, Any]) -> Iterator[str]:
    for name in ("iv30", "atm_iv", "skew_25d"):
        yield f"{name:<14} {_percent(latest[name]):>8}"
    for name in ("iv_rank", "iv_percentile"):
        yield f"{name:<14} {_number(latest[name]):>8}  of {latest['iv_days']} days"


def _realised(latest: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'realised':<16}" + "".join(f"{f'{days} days':>10}" for days in WINDOWS)
    for name in ESTIMATORS:
        yield f"{name:<16}" + "".join(f"{_percent(latest[f'{name}_{days}']):>10}" for days in WINDOWS)


def _terms(terms: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'expiration':<12}{'forward':>10}{'atm_iv':>10}{'skew_25d':>10}{'contracts':>11}"
    for of in terms:
        yield (
            f"{of['expiration']:<12}{_number(of['forward'], 2):>10}{_percent(of['atm_iv']):>10}"
            f"{_percent(of['skew_25d']):>10}{of['contracts']:>11}"
        )


def _days(history: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'day':<12}{'iv30':>10}{'atm_iv':>10}{'skew_25d':>10}{'iv_rank':>10}"
    for of in history:
        yield (
            f"{of['day']:<12}"
            + "".join(f"{_percent(of[name]):>10}" for name in ("iv30", "atm_iv", "skew_25d"))
            + f"{_number(of['iv_rank']):>10}"
        )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.2f} %"


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
