"""A route that leaks 2 KB per call, among 20 at 300 requests per second: told in five minutes, and no other accused."""

from __future__ import annotations

import pytest

from benchmarks.simulated_service import LEAKS, Trial, trial

WINDOWS = 60
TRIALS = 6  # of each kind; a hundred take a quarter of an hour: python -m benchmarks.scope_trials


def right(told: Trial) -> bool:
    """Return whether the leak was told in time, and nothing else was."""
    return told.accused_at is not None and told.accused_at <= WINDOWS and not told.innocents


@pytest.mark.parametrize("kind", LEAKS)
def test_leak_of_one_route_is_told_with_its_line(kind: str) -> None:
    told = trial(kind, 0, WINDOWS)
    assert right(told), told
    assert told.site is not None
    assert told.site[1] < len(LEAKS[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", LEAKS)
def test_leak_is_told_in_every_trial_and_no_innocent_is_accused(kind: str) -> None:
    trials = [trial(kind, seed, WINDOWS) for seed in range(TRIALS)]
    assert [told for told in trials if not right(told)] == []
    assert {told.site[1] for told in trials if told.site} <= set(range(len(LEAKS[kind])))
