"""The history is bounded, and what a comparison needs stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.errors import NotEnoughRuns, UnknownJob, UnknownRun
from profiling.history import RUN_BYTES, History, pair_to_compare, size_of
from tests.unit.profiling.make import Rows, run


def rows(count: int) -> Rows:
    return {("a.py", line): (line, 1) for line in range(1, count + 1)}


def ids(history: History, job: str | None = None) -> list[int]:
    return [kept.id for kept in history.runs(job)]


def test_last_runs_of_each_job_are_kept() -> None:
    history = History(runs_per_job=3)
    for number in range(1, 6):
        history.add(run(number, job="one"))
    history.add(run(6, job="other"))
    assert ids(history, "one") == [3, 4, 5]
    assert ids(history) == [3, 4, 5, 6]
    assert history.jobs() == ("one", "other")
    assert history.get(4).id == 4


def test_unknown_jobs_and_runs_are_told_as_such() -> None:
    history = History(runs_per_job=1)
    with pytest.raises(UnknownJob, match="there is no job 'work'; no job is known yet"):
        history.runs("work")
    history.add(run(1, job="one"))
    history.add(run(2, job="one"))
    with pytest.raises(UnknownJob, match="there is no job 'work'; the known jobs are: one"):
        history.runs("work")
    with pytest.raises(UnknownRun, match="there is no run 1 in the history; newer runs may have replaced it"):
        history.get(1)


def test_oldest_runs_make_room_when_the_bytes_run_out_but_the_last_two_of_a_job_stay() -> None:
    big = size_of(run(1, rows(1000)))
    history = History(max_bytes=4 * big)
    history.add(run(1, rows(1000), job="rare"))
    history.add(run(2, rows(1000), job="rare"))
    for number in range(3, 9):
        history.add(run(number, rows(1000), job="busy"))
    assert ids(history, "rare") == [1, 2]
    assert ids(history, "busy") == [7, 8]


def test_names_without_end_stay_within_the_bytes_and_the_job_that_has_just_run_keeps_its_diff() -> None:
    big = size_of(run(1, rows(1000)))
    history = History(max_bytes=3 * big)
    for number in range(1, 100):
        history.add(run(2 * number, rows(1000), job=f"job {number}"))
        history.add(run(2 * number + 1, rows(1000), job=f"job {number}"))
        assert history.overhead_bytes() <= 3 * big
        assert ids(history, f"job {number}") == [2 * number, 2 * number + 1]
    assert history.jobs() == ("job 98", "job 99")


def test_run_costs_24_bytes_a_line_beside_its_records() -> None:
    small, large = size_of(run(1, rows(0))), size_of(run(1, rows(1000)))
    assert large - small == 24_000
    assert size_of(run(1)) == RUN_BYTES


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 300)), max_size=60), st.integers(1, 60_000))
def test_bytes_are_counted_right_and_bounded_but_for_two_runs_of_the_last_job(
    added: list[tuple[str, int]], most: int
) -> None:
    history = History(runs_per_job=10, max_bytes=most)
    for number, (job, count) in enumerate(added):
        history.add(run(number, rows(count), job=job))
    assert history.overhead_bytes() == sum(map(size_of, history.runs()))
    assert history.overhead_bytes() <= most or (history.jobs() == (added[-1][0],) and len(history.runs()) <= 2)


def test_latest_run_with_lines_is_compared_with_the_one_before_it() -> None:
    history = History()
    for kept in (run(1, {}), run(2), run(3, {}), run(4)):
        history.add(kept)
    latest, before = pair_to_compare(history, "work")
    assert (latest.id, before.id) == (3, 1)


def test_runs_that_are_asked_for_are_compared() -> None:
    history = History()
    for number in (1, 2, 3):
        history.add(run(number, {}))
    history.add(run(4, {}, job="other"))
    chosen = [pair_to_compare(history, "work", *pair) for pair in ((2, None), (None, 1), (1, 3))]
    assert [(latest.id, before.id) for latest, before in chosen] == [(2, 1), (3, 1), (1, 3)]
    with pytest.raises(UnknownRun, match="no run 4 of job 'work' in the history"):
        pair_to_compare(history, "work", 4)
    with pytest.raises(NotEnoughRuns, match="job 'work' has no profiled run with lines before run 1; compare a later"):
        pair_to_compare(history, "work", 1)


def test_fewer_than_two_runs_with_lines_are_not_enough() -> None:
    history = History()
    history.add(run(1))
    with pytest.raises(NotEnoughRuns, match=r"job 'work' has 0 profiled runs with lines, but a comparison needs 2"):
        pair_to_compare(history, "work")
    with pytest.raises(NotEnoughRuns):
        pair_to_compare(history, "work", None, 1)
