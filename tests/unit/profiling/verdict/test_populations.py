"""Simulated jobs of each kind: leaks told in time and at their line, innocents never accused."""

from __future__ import annotations

import pytest

from benchmarks.populations import INNOCENTS, Make, leak, watch_population
from benchmarks.simulated import LIMIT_BYTES

JOBS = 20
INNOCENT_RUNS = 100

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "make", "runs", "most_missed"),
    [
        ("1 %", leak(0.01 * LIMIT_BYTES), 15, 1),
        ("0.1 %", leak(0.001 * LIMIT_BYTES), 40, 1),
        ("15 KB", leak(15 * 1_024, 4_096), 100, 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_leaks_are_told_within_so_many_runs_at_their_line_and_for_good(
    name: str, make: Make, runs: int, most_missed: int
) -> None:
    outcomes = watch_population(name, make, jobs=JOBS, runs=runs)
    told = [outcome for outcome in outcomes if outcome.accused_at is not None]
    assert len(told) >= JOBS - most_missed
    assert {outcome.site for outcome in told} == {("simulated.py", 0)}
    assert [outcome for outcome in told if outcome.withdrawn] == []


@pytest.mark.parametrize("name", INNOCENTS)
def test_innocents_are_never_accused(name: str) -> None:
    outcomes = watch_population(name, INNOCENTS[name], jobs=JOBS, runs=INNOCENT_RUNS)
    assert [outcome for outcome in outcomes if outcome.accused_at is not None] == []
