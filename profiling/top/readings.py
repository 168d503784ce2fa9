"""What one look at a service tells, as records, from the JSON of its debug routes: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

STATES = ("leaking", "native_growth", "growing", "stable", "insufficient_runs")  # the most urgent first
UNKNOWN = "insufficient_runs"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A job, a scope, or all other work."""

    name: str
    kind: str
    calls: int
    held_bytes: int | None  # None without samples
    bytes_per_call: float | None
    bytes_per_hour: float | None
    state: str  # of the verdict
    place: str  # the line that keeps most; empty if there is none
    full_in_s: float | None

    @property
    def is_accused(self) -> bool:
        """Return whether the verdict is an accusation."""
        return self.state in {"leaking", "native_growth"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A look at a service."""

    at: datetime
    process: str  # number of the process that answered
    status: str  # ok, warning or critical
    memory_mb: float
    memory_percent: float
    holders: tuple[Holder, ...]  # accused ones first, then the largest
    note: str = ""  # what is missing, and why


def reading_of(
    health: Json, scopes: Sequence[Json], jobs: Sequence[Json], *, at: datetime, process: str, note: str = ""
) -> Reading:
    """Return the answers of `/health`, `/scopes` and `/jobs` as a record. A job that is a scope too is told once."""
    named = {scope["scope"] for scope in scopes}
    holders = [_of_scope(scope, at) for scope in scopes if scope["calls"] or scope["active"] or scope["live_bytes"]]
    holders += [_of_job(job, at) for job in jobs if job["id"] not in named]
    return Reading(
        at=at,
        process=process,
        status=str(health["status"]),
        memory_mb=float(health["memory_mb"]),
        memory_percent=float(health["memory_percent"]),
        holders=tuple(sorted(holders, key=_rank)),
        note=printable(note),
    )


def _rank(holder: Holder) -> tuple[int, int, str]:
    is_known = holder.state in STATES
    urgency = min(STATES.index(holder.state), STATES.index("stable")) if is_known else len(STATES)
    return urgency, -(holder.held_bytes or 0), holder.name


def _of_scope(scope: Json, at: datetime) -> Holder:
    return Holder(
        name=printable(scope["scope"]),
        kind=scope["kind"],
        calls=scope["calls"],
        held_bytes=scope["live_bytes"],
        bytes_per_call=scope["bytes_per_call"],
        bytes_per_hour=scope["bytes_per_hour"],
        **_verdict(scope["verdict"], at),
    )


def _of_job(job: Json, at: datetime) -> Holder:
    verdict = job["verdict"]
    return Holder(
        name=printable(job["id"]),
        kind="job",
        calls=job["runs"],
        held_bytes=None,
        bytes_per_call=verdict["bytes_per_run"] if verdict else None,
        bytes_per_hour=None,
        **_verdict(verdict, at),
    )


def _verdict(verdict: Json | None, at: datetime) -> dict[str, Any]:
    if verdict is None:
        return {"state": UNKNOWN, "place": "", "full_in_s": None}
    sites = [suspect["site"] for suspect in verdict["suspects"]]
    full_at = verdict["forecast"]["full_at"] if verdict["forecast"] else None
    return {
        "state": verdict["state"],
        "place": printable(f"{sites[0]['file']}:{sites[0]['line']}") if sites else "",
        "full_in_s": max(0.0, (datetime.fromisoformat(full_at) - at).total_seconds()) if full_at else None,
    }


def printable(text: str) -> str:
    """Return the text without characters that would steer a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
