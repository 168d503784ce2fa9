"""How many runs a job is watched before it is accused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.verdict.patience import MIN_RUNS, Patience

LEFT = 1e9


@pytest.mark.parametrize(
    ("runs_left", "watched"),
    [
        (1, 12),
        (84, 12),  # a seventh of 84 is 12
        (91, 13),
        (140, 20),
        (273, 39),
        (280, 39),
        (1_100, 39),
        (1_101, 66),
        (1e9, 66),
    ],
)
def test_job_is_watched_until_a_leak_would_have_taken_a_seventh_of_the_room(runs_left: float, watched: int) -> None:
    assert Patience().runs(LEFT / runs_left, LEFT) == watched


def test_job_is_watched_for_twelve_runs_though_no_room_is_left() -> None:
    assert Patience().runs(1e6, 0.0) == MIN_RUNS
    assert Patience().runs(1e6, -1e9) == MIN_RUNS


def test_job_without_a_limit_can_wait() -> None:
    assert Patience().runs(1e6, float("inf")) == 66


def test_trial_sets_its_own_runs() -> None:
    trial = Patience(usual_runs=80, slow_runs=80)
    assert trial.runs(LEFT / 10_000, LEFT) == 80
    assert trial.runs(LEFT / 1_000, LEFT) == 80
    assert trial.runs(LEFT / 140, LEFT) == 20


@given(st.floats(1.0, 1e9), st.floats(1.0, 1e9))
def test_more_harm_is_never_watched_for_longer(one: float, other: float) -> None:
    gentle, steep = sorted([one, other])
    assert Patience().runs(steep, LEFT) <= Patience().runs(gentle, LEFT)
