"""The state of the page, gathered from the profiler and the scheduler at most once a second."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from profiling.errors import SamplerUnavailable, UnknownJob
from profiling.profiler import Profiler
from profiling.records import OwnerKind, ScopeSummary, State, Verdict
from profiling.records.timeline import Parts, Span
from profiling.report.headline import headline
from profiling.report.page.state import PageState, Row, growers, order, shares_of
from profiling.web.jobs import JobControl, JobInfo, ProfiledJobs

MAX_ROWS = 100
MAX_SHARE = 0.005  # of a core's CPU time for updates; if they take more, there are fewer
MIN_PACE_S, MAX_PACE_S = 1.0, 30.0
PARTS_KEPT_S = 5.0
VERDICTS_KEPT_S = 5.0  # a verdict takes some milliseconds after each run


class PageStates:
    """Makes a state whenever somebody looks, and keeps it for as long as its cost demands."""

    def __init__(self, profiler: Profiler, jobs: JobControl, clock: Callable[[], float] = time.monotonic) -> None:
        self._profiler = profiler
        self._jobs = jobs
        self._clock = clock
        self._state: PageState | None = None
        self._made_s = self._parted_s = self._judged_s = -MAX_PACE_S
        self._parts = Parts()
        self._is_making = False
        self.pace_s = MIN_PACE_S  # seconds from one state to the next

    async def current(self) -> PageState:
        """Return the last state, or a new one if it is older than the pace."""
        is_new = self._state is not None and self._clock() - self._made_s < self.pace_s
        if self._state is not None and (is_new or self._is_making):
            return self._state
        self._is_making = True
        try:
            await self._judge()
            self._state, cost_s = state, _ = await asyncio.to_thread(self._make)
        finally:
            self._is_making = False
        self._made_s = self._clock()
        self.pace_s = min(MAX_PACE_S, max(MIN_PACE_S, cost_s / MAX_SHARE))
        return state

    async def _judge(self) -> None:
        if self._clock() - self._judged_s >= VERDICTS_KEPT_S:
            self._judged_s = self._clock()
            await self._profiler.verdicts()

    def _make(self) -> tuple[PageState, float]:
        began_s = time.thread_time()
        without_samples, summaries = "", list[ScopeSummary]()
        try:
            summaries = self._profiler.scopes()
        except SamplerUnavailable as error:
            without_samples = str(error)
        if self._clock() - self._parted_s >= PARTS_KEPT_S:
            self._parted_s = self._clock()
            self._parts = self._profiler.timeline(Span.TEN_MINUTES).last_parts
        rows = sorted(self._rows(summaries), key=order)
        usage, now = self._profiler.usage(), datetime.now(UTC)
        state = PageState(
            at=now,
            process=os.getpid(),
            usage=usage,
            headline=headline(usage, growers(rows), now),
            shares=shares_of(usage.rss_bytes, rows, self._parts),
            rows=tuple(rows[:MAX_ROWS]),
            can_steer=not isinstance(self._jobs, ProfiledJobs),
            without_samples=without_samples,
        )
        return state, time.thread_time() - began_s

    def _rows(self, summaries: Sequence[ScopeSummary]) -> list[Row]:
        infos = {info.id: info for info in self._jobs.jobs()}
        held = {summary.name for summary in summaries}
        rows = [replace(_of_summary(each), trend=self._trend(each.name)) for each in summaries if _is_shown(each)]
        rows += [self._of_job(info) for name, info in infos.items() if name not in held]
        return [_with_info(row, infos.get(row.name)) for row in rows]

    def _of_job(self, info: JobInfo) -> Row:
        verdict = self._profiler.last_verdict(info.id)
        return Row(
            name=info.id,
            kind=OwnerKind.JOB,
            calls=info.runs,
            held_bytes=None,
            pace_bytes=_pace(verdict),
            verdict=verdict,
        )

    def _trend(self, name: str) -> tuple[int, ...]:
        with suppress(UnknownJob):
            return tuple(run.samples.traced_bytes for run in self._profiler.runs(name) if run.samples)
        return ()


def _is_shown(summary: ScopeSummary) -> bool:
    return bool(summary.calls or summary.active or summary.live_bytes)


def _of_summary(summary: ScopeSummary) -> Row:
    return Row(
        name=summary.name,
        kind=summary.kind,
        calls=summary.calls,
        held_bytes=summary.live_bytes,
        pace_bytes=summary.bytes_per_call if summary.kind is not OwnerKind.OUTSIDE else _pace(summary.verdict),
        verdict=summary.verdict,
    )


def _pace(verdict: Verdict | None) -> float | None:
    if verdict is None or verdict.state is State.INSUFFICIENT_RUNS:
        return None
    return 0.0 if verdict.state is State.STABLE else verdict.bytes_per_run


def _with_info(row: Row, info: JobInfo | None) -> Row:
    if info is None:
        return row
    return replace(
        row,
        activity=info.state,
        last_run_at=info.last_started_at,
        last_outcome=info.last_outcome or "",
        next_run_at=info.next_run_at,
    )
