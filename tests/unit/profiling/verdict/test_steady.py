"""A counter that grows in every quarter of the runs, and one that does not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from profiling.verdict.steady import MIN_EXACT_BYTES, MIN_NATIVE_BYTES, steady_pace

KB = 1_024.0


def of_quarters(*paces_kb: float) -> list[float]:
    """Return twelve changes, three of each quarter."""
    return [pace_kb * KB for pace_kb in paces_kb for _ in range(3)]


def test_same_growth_in_every_run_is_the_pace() -> None:
    assert steady_pace([100 * KB] * 12) == 100 * KB


def test_twelve_runs_are_the_fewest() -> None:
    assert steady_pace([100 * KB] * 11) is None


@pytest.mark.parametrize("least_bytes", [MIN_NATIVE_BYTES, MIN_EXACT_BYTES])
def test_pace_below_the_least_is_none(least_bytes: float) -> None:
    assert steady_pace([least_bytes] * 12, least_bytes) == least_bytes
    assert steady_pace([least_bytes - 1] * 12, least_bytes) is None


def test_pace_is_the_middle_of_the_quarters_so_a_warm_up_does_not_count() -> None:
    assert steady_pace(of_quarters(9_000, 60, 50, 40)) == 55 * KB


@pytest.mark.parametrize(
    ("quarters_kb", "pace_kb"),
    [
        ((90, 90, 90, 30), 90),  # a third of the pace, which is the least
        ((90, 90, 90, 29), None),
        ((29, 90, 90, 90), None),
        ((90, 90, 0, 0), None),  # it has filled up
        ((400, 0, 0, 400), None),
        ((-90, -90, -90, -90), None),
    ],
)
def test_every_quarter_has_to_grow_by_a_third_of_the_pace(quarters_kb: Sequence[float], pace_kb: float | None) -> None:
    assert steady_pace(of_quarters(*quarters_kb)) == (pace_kb * KB if pace_kb else None)


def test_noise_within_a_quarter_does_not_matter() -> None:
    assert steady_pace([300 * KB, -100 * KB, 100 * KB] * 4) == 100 * KB
