"""Tallies: counts of runs that go on when the history forgets."""

from __future__ import annotations

from profiling.records import Outcome
from profiling.tallies import MAX_JOBS, OTHER_JOBS, Tallies
from tests.unit.profiling.make import run


def test_runs_are_counted_by_job_and_outcome() -> None:
    tallies = Tallies()
    for number, outcome in enumerate([Outcome.COMPLETED, Outcome.FAILED, Outcome.COMPLETED], 1):
        tallies.record_run(run(number, outcome=outcome))
    tally = tallies.copy()["work"]
    assert tally.runs == {Outcome.COMPLETED: 2, Outcome.FAILED: 1, Outcome.CANCELLED: 0}
    assert (tally.duration_s, tally.last_run) == (0.75, 3)
    assert round(tally.cost_s, 6) == 0.06


def test_jobs_are_bounded_and_the_rest_is_one() -> None:
    tallies = Tallies()
    for number in range(MAX_JOBS + 10):
        tallies.record_run(run(number, job=f"job {number}"))
    told = tallies.copy()
    assert len(told) == MAX_JOBS + 1
    assert told[OTHER_JOBS].runs[Outcome.COMPLETED] == 10
