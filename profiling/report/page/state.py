"""What the first screen shows, as records, and how the memory is shared out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from profiling.records import MemoryUsage, OwnerKind, State, Verdict
from profiling.records.timeline import Parts
from profiling.report.headline import Grower, Headline
from profiling.report.page.hues import hues_of

MAX_SHARES = 5  # jobs and scopes that have a part of the bar, the largest ones
MIN_SHARE = 0.005  # of the RSS; smaller ones are in one part


class ShareKind(StrEnum):
    """What a part of the bar stands for."""

    OWNER = "owner"  # a job or scope
    OTHERS = "others"  # all further jobs and scopes
    PYTHON = "python"  # the rest of Python's heap
    C_HEAP = "c_heap"
    FREE = "free"  # free in allocators
    REST = "rest"  # libraries, stacks, mapped files


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One part of the resident memory."""

    kind: ShareKind
    name: str
    size_bytes: int
    hue: int | None = None  # number of its colour; None if the kind has a colour of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job, a scope, or all other work, in the table."""

    name: str
    kind: OwnerKind
    calls: int  # completed runs of a job
    held_bytes: int | None  # alive now; None without samples
    pace_bytes: float | None  # growth per run or call; None before there is a verdict
    verdict: Verdict | None
    trend: tuple[int, ...] = ()  # bytes held after each of the last runs or windows, oldest first
    activity: str = ""  # idle, running or paused; empty for a scope
    last_run_at: datetime | None = None
    last_outcome: str = ""
    next_run_at: datetime | None = None

    @property
    def unit(self) -> str:
        """Return what the pace counts."""
        return {OwnerKind.JOB: "run", OwnerKind.SCOPE: "call", OwnerKind.OUTSIDE: "window"}[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """The state of a process at one moment."""

    at: datetime  # with time zone
    process: int | None  # its number; None for a stored profile or timeline, which does not know it
    usage: MemoryUsage | None  # None for a stored profile, which knows only what was alive
    headline: Headline
    shares: tuple[Share, ...]  # largest owner first; they sum up to the RSS, or to a stored profile
    rows: tuple[Row, ...]
    can_steer: bool  # whether jobs can be run and paused
    without_samples: str = ""  # why no samples are taken; empty if they are
    unjudged: str = "no verdict yet"  # what is said of a row without a verdict; empty for a stored profile


def growers(rows: Iterable[Row]) -> list[Grower]:
    """Return the rows that have a verdict, for the headline."""
    return [
        Grower(name=row.name, unit=row.unit, bytes_per_unit=row.pace_bytes or 0.0, verdict=row.verdict)
        for row in rows
        if row.verdict is not None
    ]


def order(row: Row) -> tuple[int, int, str]:
    """Return the key by which rows are sorted: accused ones first, then by what they hold."""
    state = row.verdict.state if row.verdict else State.INSUFFICIENT_RUNS
    rank = 0 if state.is_accusation else 1 if state is State.GROWING else 2
    return rank, -(row.held_bytes or 0), row.name


def shares_of(rss_bytes: int, rows: Sequence[Row], parts: Parts) -> tuple[Share, ...]:
    """Return the parts of the RSS, which sum up to it.

    Each part is taken from what is left of the RSS, because an allocator's figures include pages that were never
    touched.

    Args:
        rss_bytes: The resident memory.
        rows: All jobs and scopes.
        parts: What the RSS consists of.
    """
    owners = sorted((row for row in rows if row.held_bytes), key=lambda row: -(row.held_bytes or 0))
    shown = [row for row in owners[:MAX_SHARES] if (row.held_bytes or 0) >= MIN_SHARE * rss_bytes]
    hues = hues_of(row.name for row in shown)
    wanted = [(ShareKind.OWNER, row.name, row.held_bytes or 0) for row in shown]
    others_bytes = sum(row.held_bytes or 0 for row in owners[len(shown) :])
    wanted.append((ShareKind.OTHERS, "other jobs and scopes", others_bytes))
    held_bytes = sum(size_bytes for _, _, size_bytes in wanted)
    wanted += [
        (ShareKind.PYTHON, "rest of Python's heap", (parts.python_bytes or 0) - held_bytes),
        (ShareKind.C_HEAP, "C heap", parts.c_heap_bytes or 0),
        (ShareKind.FREE, "free in the C allocator", parts.free_bytes or 0),
        (ShareKind.REST, "everything else", rss_bytes),
    ]
    shares, left_bytes = [], rss_bytes
    for kind, name, size_bytes in wanted:
        taken_bytes = min(max(0, size_bytes), left_bytes)
        left_bytes -= taken_bytes
        if taken_bytes:
            hue = hues[name] if kind is ShareKind.OWNER else None
            shares.append(Share(kind=kind, name=name, size_bytes=taken_bytes, hue=hue))
    return tuple(shares)
