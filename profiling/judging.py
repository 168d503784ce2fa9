"""The judge: the cases of all jobs and scopes, their last judgements, and the time that may be spent on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from profiling.cases import MAX_RUNS, Cases, evidence_of
from profiling.process.full_collections import MAX_FREEZE_S, count_full_collections
from profiling.process.holders import Holders
from profiling.records import RunProfile, SiteKey, Verdict
from profiling.run import Care
from profiling.samples import sampler
from profiling.samples.estimates import largest_stacks, lines_by_birth
from profiling.stopwatch import Budget
from profiling.verdict.evidence import RUN, Unit
from profiling.verdict.judge import Judgement, judge
from profiling.verdict.patience import Patience
from profiling.verdict.suspects import with_stacks

MAX_SHARE = 0.005  # highest share of the time for verdicts that nobody asks for
TRIAL_COLLECTED_EVERY = 2  # runs, if garbage is to be collected in any case


class Terms(NamedTuple):
    """What is different when a scope is judged, and not a job."""

    unit: Unit
    patience: Patience
    remembered: int  # number of windows whose births are remembered


JobTerms = Callable[[str], Terms | None]


class Judging:
    """The judge of one profiler.

    Args:
        runs_of: Returns the runs of a job, or the windows of a scope, oldest first. Raises UnknownJob.
        terms_of: Returns the terms of a scope, or None for a job.
        holders: Reads the stores that hold the live objects.
        patience: How long a job is watched before it is accused.
        collects: Whether every run is closed, and all garbage is collected after every other run, as in a test.
    """

    def __init__(
        self,
        runs_of: Callable[[str], Sequence[RunProfile]],
        terms_of: JobTerms,
        holders: Holders,
        patience: Patience,
        *,
        collects: bool,
    ) -> None:
        self.cases = Cases()
        self._collects = collects
        self._runs_of = runs_of
        self._terms_of = terms_of
        self._holders = holders
        self._patience = patience
        self._budget = Budget(MAX_SHARE)

    def last(self, job: str) -> Judgement | None:
        """Return the last judgement, which may be some runs old, or None if there is none yet."""
        case = self.cases.find(job)
        return case.judgement if case else None

    def learn(self, run: RunProfile) -> None:
        """Note a run or a window in its case, and judge the case if that is due."""
        terms = self._terms_of(run.job)
        is_due = self.cases.record_run(run, terms.remembered if terms else MAX_RUNS)
        if is_due and self._budget.is_left:
            with self._budget.spend():
                self._judge_anew(self._runs_of(run.job))

    def care(self, job: str) -> Care:
        """Return what to do in the job's next run so that the next verdict can be surer."""
        case = self.cases.find(job)
        if self._collects:
            runs = case.runs + 1 if case else 1
            return Care(closes=True, collects_after=runs % TRIAL_COLLECTED_EVERY == 0)
        judgement = case.judgement if case else None
        if case is None or judgement is None:
            return Care()
        # A long run is not closed, because older garbage would have to wait for its end.
        closes = case.duration_s <= MAX_FREEZE_S and (judgement.suspected or judgement.wants_collected_runs)
        return Care(
            closes=closes,
            collects_after=judgement.wants_collection and not case.is_collected(count_full_collections()),
            is_suspect=judgement.keeps_something and judgement.verdict.accusation is None,
        )

    def judgement(self, job: str, patience: Patience | None = None) -> Judgement:
        """Return the judgement on all runs so far. If `patience` is given, it is not remembered. Raises UnknownJob."""
        runs = self._runs_of(job)
        if patience is not None:
            return self._judge(runs, patience)
        return self._known(runs) or self._judge_anew(runs)[job]

    async def verdicts(self, asked: Sequence[Sequence[RunProfile]]) -> dict[str, Verdict]:
        """Return the verdicts on the runs of some jobs, by job, without blocking the loop."""
        # Each judgement is kept here, because another thread may forget a job meanwhile.
        known = {runs[-1].job: self._known(runs) for runs in asked}
        if new := [runs for runs in asked if known[runs[-1].job] is None]:
            known |= await asyncio.to_thread(self._judge_anew, *new)
        return {job: judgement.verdict for job, judgement in known.items() if judgement is not None}

    def _known(self, runs: Sequence[RunProfile]) -> Judgement | None:
        """Return the judgement on these runs, or None if the last one is older."""
        case = self.cases.of(runs[-1].job)
        return case.judgement if case.judged_after >= runs[-1].id else None

    def _judge_anew(self, *runs_of_jobs: Sequence[RunProfile]) -> dict[str, Judgement]:
        judged = {runs[-1].job: self._judge(runs) for runs in runs_of_jobs}
        for runs in runs_of_jobs:
            self.cases.note(runs[-1].job, judged[runs[-1].job], runs[-1].id)
        return judged

    def _judge(self, runs: Sequence[RunProfile], patience: Patience | None = None) -> Judgement:
        job = runs[-1].job
        case = self.cases.copy_of(job)
        terms = self._terms_of(job) or Terms(RUN, self._patience, MAX_RUNS)
        evidence = evidence_of(
            case,
            runs,
            lines_by_birth(sampler.births(job)) if sampler.is_on() else {},
            collections=count_full_collections(),
            patience=patience or terms.patience,
            unit=terms.unit,
        )
        judgement = judge(evidence)
        if judgement.wants_bounds:
            is_urgent = judgement.verdict.accusation is not None or evidence.reading.is_awaited
            judgement = judge(replace(evidence, reading=self._holders.read(job, evidence, is_urgent=is_urgent)))
        if judgement.verdict.suspects:
            stacks = _stacks(job, [suspect.site for suspect in judgement.verdict.suspects])
            judgement = replace(judgement, verdict=with_stacks(judgement.verdict, stacks))
        if self._collects:  # in a test, runs follow each other much faster than in a service
            judgement = replace(judgement, verdict=replace(judgement.verdict, forecast=None))
        return judgement


def _stacks(job: str, sites: Sequence[SiteKey]) -> Mapping[SiteKey, tuple[SiteKey, ...]]:
    """Return for each site the frames through which most of its bytes were allocated, as far as these are known."""
    return largest_stacks(sampler.snapshot(job), sites) if sampler.is_on() else {}
