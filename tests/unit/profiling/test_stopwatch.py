"""The timer tells the whole time and the longest piece that held the loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from profiling.stopwatch import Budget, OverheadTimer


def timer_reading(*times_s: float) -> OverheadTimer:
    """A timer whose clock says these times one after the other, and fails when it is asked once more."""
    times: Iterator[float] = iter(times_s)
    return OverheadTimer(lambda: next(times))


def test_cost_is_the_time_since_the_meter_was_made_with_nothing_held() -> None:
    cost = timer_reading(10.0, 10.75).cost()
    assert (cost.duration_s, cost.stall_s, cost.memory_bytes) == (0.75, 0.0, 0)


def test_stall_is_the_longest_piece_and_not_the_sum() -> None:
    timer = timer_reading(0.0, 1.0, 1.25, 2.0, 3.0, 4.0, 4.5, 8.0)
    for _ in range(3):
        with timer.blocking():
            pass
    cost = timer.cost(memory_bytes=7)
    assert (cost.duration_s, cost.stall_s, cost.memory_bytes) == (8.0, 1.0, 7)


def test_piece_that_fails_is_counted_and_its_error_passes() -> None:
    timer = timer_reading(0.0, 1.0, 3.0)
    with pytest.raises(KeyError), timer.blocking():
        raise KeyError
    assert timer.stall_s == 2.0


def test_piece_that_somebody_else_timed_counts_where_it_is_the_longest() -> None:
    timer = timer_reading(0.0)
    for seconds, longest in ((0.5, 0.5), (0.25, 0.5), (0.75, 0.75)):
        timer.record_block(seconds)
        assert timer.stall_s == longest


def test_cost_can_be_asked_again_later() -> None:
    timer = timer_reading(0.0, 1.0, 2.0)
    assert (timer.cost().duration_s, timer.cost().duration_s) == (1.0, 2.0)


def test_budget_is_of_the_threads_own_time_and_grows_with_all_time() -> None:
    wall, cpu = [0.0], [0.0]
    budget = Budget(0.5, lambda: wall[0], cpu_clock=lambda: cpu[0], at_once_s=1.0)
    left = [budget.is_left]
    with budget.spend():
        wall[0] += 8.0  # others had the processor
        cpu[0] += 2.0
    left.append(budget.is_left)
    with budget.spend():
        cpu[0] += 4.0
    left.append(budget.is_left)
    wall[0] += 2.0
    left.append(budget.is_left)
    assert left == [True, True, False, True]


def test_budget_counts_a_block_that_fails() -> None:
    times_s = iter([0.0, 2.0])
    budget = Budget(0.0, lambda: 0.0, cpu_clock=lambda: next(times_s), at_once_s=1.0)
    with pytest.raises(ValueError, match="invalid literal"), budget.spend():
        int("no number")
    assert not budget.is_left
