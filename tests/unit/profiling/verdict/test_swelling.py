"""One object that grows larger and larger, and what only looks like it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from profiling.verdict.swelling import MIN_PACE_BYTES, swelling_pace

KB = 1_024.0
RISING = [100 * KB * run for run in range(1, 21)]


def swell(
    totals: Sequence[float],
    *,
    large_share: float = 1.0,
    young_share: float = 1.0,
    blocks: float = 1.0,
    samples: int = 1,
) -> float | None:
    return swelling_pace(totals, large_share=large_share, young_share=young_share, blocks=blocks, samples=samples)


def test_object_that_grows_with_every_run_swells_by_that_much_a_run() -> None:
    # Quarters of five: their means rise by 500 KB, which is 100 KB a run.
    assert swell(RISING) == 100 * KB


def test_fifteen_runs_are_the_fewest() -> None:
    assert swell(RISING[:15]) is not None
    assert swell(RISING[:14]) is None


def test_pace_below_the_least_is_none() -> None:
    assert swell([MIN_PACE_BYTES * run for run in range(20)]) == MIN_PACE_BYTES
    assert swell([(MIN_PACE_BYTES - 1) * run for run in range(20)]) is None


def test_nearly_all_of_a_few_samples_has_to_be_in_large_blocks() -> None:
    assert swell(RISING, large_share=0.8) is not None
    assert swell(RISING, large_share=0.79) is None


def test_small_blocks_have_to_be_young_and_of_many_samples() -> None:
    assert swell(RISING, large_share=0.0, samples=64) == 100 * KB
    assert swell(RISING, large_share=0.0, samples=63) is None
    assert swell(RISING, large_share=0.0, samples=64, young_share=0.79) is None


@pytest.mark.parametrize(
    ("young_share", "blocks", "swells"),
    [(0.8, 1_000.0, True), (0.79, 4.0, False), (0.79, 3.0, True), (0.0, 3.0, True)],
)
def test_it_has_to_be_young_or_of_very_few_blocks(young_share: float, blocks: float, *, swells: bool) -> None:
    assert (swell(RISING, young_share=young_share, blocks=blocks) is not None) == swells


def test_object_that_has_stopped_growing_does_not_swell() -> None:
    assert swell([min(total, 1_000 * KB) for total in RISING]) is None


@pytest.mark.parametrize(("least_kb", "swells"), [(215, True), (210, False)])
def test_every_step_from_quarter_to_quarter_has_to_be_a_third_of_the_mean_one(least_kb: float, *, swells: bool) -> None:
    # The steps are 800 KB, `least_kb` and 920 KB; if the second is 215 KB, it is a third of their mean.
    starts_kb = [0.0, 800.0, 800.0 + least_kb, 1_720.0 + least_kb]
    totals = [(start_kb + 0.1 * run) * KB for start_kb in starts_kb for run in range(5)]
    assert (swell(totals) is not None) == swells


def test_total_that_jumps_about_does_not_swell() -> None:
    # The quarters' means rise, but within them runs fall as often as they rise.
    totals = [(100 * quarter + jump) * KB for quarter in range(4) for jump in (400, 300, 200, 100, 0)]
    assert swell(totals) is None


def test_object_that_is_made_smaller_does_not_swell() -> None:
    assert swell(RISING[::-1]) is None
    assert swell([100 * KB] * 20) is None
