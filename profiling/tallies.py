"""Counts of the runs of each job since the start, which the history forgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from profiling.records import Outcome, RunProfile

MAX_JOBS = 256
OTHER_JOBS = "(other)"  # the tally of all further jobs


@dataclass(slots=True)
class Tally:
    """What the runs of one job add up to."""

    runs: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    duration_s: float = 0.0
    cost_s: float = 0.0  # of measuring them
    last_run: int = 0  # its number
    last_at_s: float = 0.0  # when it ended, since the epoch


class Tallies:
    """The tallies of all jobs."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def record_run(self, run: RunProfile) -> None:
        """Count a run that has ended."""
        is_known = run.job in self._tallies or len(self._tallies) < MAX_JOBS
        tally = self._tallies.setdefault(run.job if is_known else OTHER_JOBS, Tally())
        tally.runs[run.outcome] += 1
        tally.duration_s += run.duration_s
        tally.cost_s += run.cost.duration_s
        tally.last_run, tally.last_at_s = run.id, run.started_at.timestamp() + run.duration_s

    def copy(self) -> Mapping[str, Tally]:
        """Return a copy, by job."""
        return {job: replace(tally, runs=dict(tally.runs)) for job, tally in tuple(self._tallies.items())}
