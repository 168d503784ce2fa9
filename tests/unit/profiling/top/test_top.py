"""What `top` makes of the answers of a service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from profiling.top.readings import Reading, reading_of
from profiling.top.table import COLUMNS, cells, headline, lines

NOW = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)
HEALTH = {"status": "warning", "memory_mb": 423.45, "memory_percent": 82.9}
ESCAPE = "\x1b[2J"


def verdict(state: str, *, full_in: timedelta | None = None, file: str = "") -> dict[str, Any]:
    return {
        "state": state,
        "bytes_per_run": 1_000.0,
        "suspects": [{"site": {"file": file, "line": 88}}] if file else [],
        "forecast": {"full_in_s": 1, "full_at": (NOW + full_in).isoformat()} if full_in else None,
    }


def scope(name: str, live_bytes: int, judged: dict[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    empty = {"kind": "job", "calls": 40, "active": 0, "bytes_per_call": None, "bytes_per_hour": None}
    return {"scope": name, "live_bytes": live_bytes, "verdict": judged, **empty, **said}


LEAKING = verdict("leaking", full_in=timedelta(minutes=90), file="jobs/iv.py")


def reading(*scopes: dict[str, Any], jobs: tuple[dict[str, Any], ...] = (), note: str = "") -> Reading:
    return reading_of(HEALTH, scopes, jobs, at=NOW, process="7", note=note)


def test_headline_says_how_full_the_memory_is() -> None:
    assert headline(reading()) == "16:00:00  423 MB, 82.9 % of the limit, warning, process 7"
    assert headline(reading(note="no samples are taken")).endswith("process 7; no samples are taken")


def test_accused_ones_come_first_and_then_the_largest() -> None:
    holders = reading(
        scope("small", 10),
        scope("large", 90, verdict("stable")),
        scope("fills", 20, verdict("growing")),
        scope("leaks", 1, LEAKING),
        scope("never called", 0, calls=0),
    ).holders
    assert [holder.name for holder in holders] == ["leaks", "fills", "large", "small"]
    assert [holder.is_accused for holder in holders] == [True, False, False, False]


def test_row_has_a_cell_for_each_column() -> None:
    (holder,) = reading(scope("iv", 5 << 20, LEAKING, bytes_per_call=1_126, bytes_per_hour=3 << 20)).holders
    assert dict(zip(COLUMNS, cells(holder), strict=True)) == {
        "verdict": "leaking",
        "held": "5.0 MB",
        "per call": "1 KB",
        "per hour": "3.0 MB",
        "full in": "90 min",
        "calls": "40",
        "job or scope": "iv",
        "line": "jobs/iv.py:88",
    }


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=99), "99 s"),
        (timedelta(seconds=100), "2 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=3), "3 d"),
    ],
)
def test_forecast_is_told_as_of_now(left: timedelta, told: str) -> None:
    (holder,) = reading(scope("iv", 1, verdict("leaking", full_in=left))).holders
    assert cells(holder)[COLUMNS.index("full in")] == told


def test_job_without_samples_has_its_verdict() -> None:
    jobs = ({"id": "a", "runs": 14, "verdict": LEAKING}, {"id": "b", "runs": 0, "verdict": None})
    first, second = reading(jobs=jobs).holders
    assert cells(first) == ("leaking", "", "1 KB", "", "90 min", "14", "a", "jobs/iv.py:88")
    assert cells(second) == ("insufficient runs", "", "", "", "", "0", "b", "")


def test_nothing_that_a_name_holds_steers_the_terminal() -> None:
    told = "\n".join(lines(reading(scope(f"{ESCAPE}a\nb", 1), note=ESCAPE), 9))
    assert "\x1b" not in told
    assert len(told.splitlines()) == 3


def test_rows_beyond_the_limit_are_counted() -> None:
    told = list(lines(reading(*(scope(f"s{number}", number + 1) for number in range(9))), 4))
    assert len(told) == 2 + 4 + 1
    assert told[-1] == "5 more are not listed"
