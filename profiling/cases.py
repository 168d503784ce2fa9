"""What is remembered about each job between its runs, and the evidence for a verdict that is made from it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from profiling.forks import ForkLock
from profiling.records import UNKNOWN_SITE, Accusation, Counters, Outcome, RunProfile, SiteKey, Verdict
from profiling.verdict.bounds import NOTHING_READ
from profiling.verdict.evidence import RUN, Evidence, LineEvidence, Unit
from profiling.verdict.forecast import headroom_after
from profiling.verdict.judge import MIN_RUNS, Judgement
from profiling.verdict.patience import Patience
from profiling.verdict.steady import steady_pace

MAX_RUNS = 512  # runs whose birth numbers are remembered, 13 bytes each
CASE_BYTES = 3_300  # size of a case with 128 births and a judgement, as measured
MAX_CHANGES = 100  # changes of the C heap that are remembered
FIRST_RUNS = 8  # no verdict is made before so many runs, unless somebody asks
JUDGED_EVERY = 4  # runs of a job that is not under suspicion
MIN_LINE_BYTES = 512.0  # bytes per run; a line is named if it grows by at least so much
NEVER = -1  # the count of full collections if there are none


@dataclass(slots=True)
class Changes:
    """The changes of one counter in a job's last runs."""

    values: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, change: float | None, *, is_collected: bool) -> None:
        """Note a run's change, if it is known; `is_collected` says that the run's own garbage had been collected."""
        if change is not None:
            self.values.append((change, is_collected))
            del self.values[:-MAX_CHANGES]

    def all_and_collected(self) -> tuple[Sequence[float], Sequence[float]]:
        """Return the changes of all runs, and those of the runs whose garbage was collected."""
        return [change for change, _ in self.values], [change for change, collected in self.values if collected]


@dataclass(slots=True)
class Case:
    """What is remembered about one job: its last runs, how the C heap changed in them, and the last verdict."""

    births: array[int] = field(default_factory=lambda: array("I"))  # birth numbers of the completed runs, oldest first
    # for each run, the number of full collections until its end
    collections: array[int] = field(default_factory=lambda: array("i"))
    calls: array[int] = field(default_factory=lambda: array("I"))  # for each run, the number of calls in it
    closed: bytearray = field(default_factory=bytearray)  # for each run, 1 if the free lists were emptied at both ends
    c_heap: Changes = field(default_factory=lambda: Changes())
    mapped: Changes = field(default_factory=lambda: Changes())
    exact: list[float] = field(default_factory=list)
    process: list[float] = field(default_factory=list)
    judgement: Judgement | None = None
    judged_after: int = 0  # the id of the last run in the verdict
    runs: int = 0  # completed runs since the start
    left_bytes: float = math.inf  # left to the memory limit after the first run
    duration_s: float = 0.0  # of the last run

    def record_run(self, run: RunProfile, remembered: int = MAX_RUNS) -> None:
        """Remember a run that has ended, and at most so many birth numbers.

        A failed run is left out, because its exception keeps objects alive.
        """
        if run.outcome is not Outcome.COMPLETED:
            return
        if not self.runs:
            self.left_bytes = run.limit.limit_bytes - run.after.rss_bytes
        self.runs += 1
        self.duration_s = run.duration_s
        if run.birth is not None:
            self.births.append(run.birth)
            self.collections.append(NEVER if run.after.full_collections is None else run.after.full_collections)
            self.closed.append(run.closed)
            self.calls.append(run.calls)
        for column in (self.births, self.collections, self.closed, self.calls):
            del column[:-remembered]
        self._saw_counters(run)

    def _saw_counters(self, run: RunProfile) -> None:
        """Note the run's counters if no other job ran at the same time; otherwise the changes are not the job's own."""
        if run.overlapped_with:
            return
        if run.samples is None and run.lines is None:
            self.process.append(float(run.rss_diff_bytes))
            del self.process[:-MAX_CHANGES]
        self.c_heap.add(native_change(run), is_collected=run.collected)
        self.mapped.add(mapped_change(run), is_collected=run.collected)
        if run.collected and run.lines is not None:
            self.exact.append(float(run.lines.traced_diff_bytes))
            del self.exact[:-MAX_CHANGES]

    @property
    def verdict(self) -> Verdict | None:
        """Return the last verdict, or None if there is none yet."""
        return self.judgement.verdict if self.judgement else None

    @property
    def accusation(self) -> Accusation | None:
        """Return what the last verdict rests on if it was an accusation, else None."""
        return self.verdict.accusation if self.verdict else None

    @property
    def calls_per_run(self) -> float:
        """Return the mean number of calls in a window, which is 1 for a job, because each of its runs is one call."""
        return sum(self.calls) / len(self.calls) if self.calls else 1.0

    def is_collected(self, collections: int | None) -> bool:
        """Return whether there was a full collection since the last run, by the number of full collections so far."""
        return bool(self.collections) and collections is not None and collections > self.collections[-1]

    def copy(self) -> Case:
        """Return a copy of the case for a judge in another thread, because a run may end in the meantime."""
        return replace(
            self,
            births=self.births[:],
            collections=self.collections[:],
            closed=self.closed[:],
            calls=self.calls[:],
            c_heap=Changes(self.c_heap.values.copy()),
            mapped=Changes(self.mapped.values.copy()),
            exact=self.exact.copy(),
            process=self.process.copy(),
        )

    def is_due(self) -> bool:
        """Return whether a verdict should be made now, even if nobody asks for one."""
        if self.runs < FIRST_RUNS:
            return False
        if self.judgement is not None and (self.judgement.suspected or self.judgement.verdict.state.is_accusation):
            return True
        return self.runs % JUDGED_EVERY == 0 or self.runs in {MIN_RUNS - 1, MIN_RUNS}


def native_change(run: RunProfile) -> float | None:
    """Return how much the C heap grew in the run without Python's and the profiler's share, or None if unknown.

    Without samples it is unknown which part of the growth of Python's own heap malloc has served. Then all of that
    growth is subtracted, so that the result is too small rather than too large.
    """
    before, after = _native_bytes(run.before), _native_bytes(run.after)
    if before is None or after is None:
        return None
    change = after - before
    if run.lines is not None:
        change -= TRACE_MALLOC_BYTES * run.lines.retained.count
        if run.after.python_malloc_bytes is None:
            change -= max(0, run.lines.traced_diff_bytes)
    elif run.after.python_malloc_bytes is None:
        return None
    return change - run.native_in_runs_bytes


def mapped_change(run: RunProfile) -> float | None:
    """Return the growth of the resident memory that was mapped directly in the run, or None if it is unknown.

    Only resident pages count, because memory that a library maps and never touches costs nothing, and the whole stack
    of a thread is mapped at once.
    """
    before, after = run.before.mapped_bytes, run.after.mapped_bytes
    if before is None or after is None:
        return None
    return float(min(after - before, run.rss_diff_bytes)) - run.mapped_in_runs_bytes


# bytes that malloc uses for a live trace, measured on 3.11 to 3.13; tracemalloc reports half of it
TRACE_MALLOC_BYTES = 100


def _native_bytes(counters: Counters) -> float | None:
    if counters.c_heap_used_bytes is None:
        return None
    return counters.c_heap_used_bytes - counters.overhead_bytes - (counters.python_malloc_bytes or 0.0)


class RecentLines:
    """What the samples of a job's last runs say about each line: bytes alive after each run, and bytes kept by it."""

    def __init__(self, runs: Sequence[RunProfile]) -> None:
        completed = [run for run in runs if run.outcome is Outcome.COMPLETED and run.samples is not None]
        last = completed[-1].samples if completed else None
        self._runs = [run for run in completed if last and run.samples and run.samples.session == last.session]

    @cached_property
    def _alive(self) -> list[Mapping[SiteKey, int]]:
        return [
            dict(zip(run.samples.live.keys, run.samples.live.sizes, strict=True)) for run in self._runs if run.samples
        ]

    @cached_property
    def _kept(self) -> list[tuple[int, Mapping[SiteKey, int]]]:
        return [
            (run.birth, dict(zip(run.samples.retained.keys, run.samples.retained.sizes, strict=True)))
            for run in self._runs
            if run.samples and run.birth is not None
        ]

    @property
    def at_once(self) -> int:
        """Return the highest number of runs of the job that were active at the same time."""
        return max((run.at_once for run in self._runs), default=1)

    def totals_at(self, site: SiteKey) -> Sequence[float]:
        """Return the bytes alive at the line after each run, oldest first."""
        return [alive.get(site, 0) for alive in self._alive]

    def kept_at(self, site: SiteKey) -> Mapping[int, float]:
        """Return for each run, by its birth, the bytes that it had kept at the line when it ended."""
        return {birth: kept.get(site, 0) for birth, kept in self._kept}


def exact_paces(runs: Sequence[RunProfile]) -> Mapping[SiteKey, float]:
    """Return the bytes per run of each line that grows steadily, by exact lines of runs whose garbage was collected."""
    kept = [
        dict(zip(run.lines.retained.keys, run.lines.retained.sizes, strict=True))
        for run in runs
        if run.outcome is Outcome.COMPLETED and run.collected and run.lines is not None and not run.overlapped_with
    ]
    sites = {site for table in kept for site in table} - {UNKNOWN_SITE}
    paces = ((site, steady_pace([table.get(site, 0) for table in kept], MIN_LINE_BYTES)) for site in sites)
    return {site: pace for site, pace in paces if pace is not None}


def evidence_of(
    case: Case,
    runs: Sequence[RunProfile],
    lines: Mapping[SiteKey, LineEvidence],
    *,
    collections: int | None,
    patience: Patience,
    unit: Unit = RUN,
) -> Evidence:
    """Return the evidence about a job that is known now.

    Args:
        case: What is remembered about the job.
        runs: The job's runs in the history, oldest first.
        lines: The job's live memory, by line and birth.
        collections: The number of full collections so far, or None if the program has switched its collector off.
        patience: How long the job may be watched before a verdict.
        unit: The word for a run in messages.
    """
    recent = RecentLines(runs)
    settled = [
        birth
        for birth, count in zip(case.births, case.collections, strict=True)
        if collections is None or count == NEVER or count < collections
    ]
    # Without samples there are no birth numbers, so the runs are numbered instead.
    ended = list(case.births) or list(range(1, case.runs + 1)[-MAX_RUNS:])
    return Evidence(
        ended=ended,
        settled=settled,
        closed=frozenset(birth for birth, is_closed in zip(case.births, case.closed, strict=True) if is_closed),
        lines=lines,
        totals_at=recent.totals_at,
        kept_at=recent.kept_at,
        at_once=recent.at_once,
        c_heap=case.c_heap.all_and_collected(),
        mapped=case.mapped.all_and_collected(),
        exact=list(case.exact),
        process=() if lines or case.exact else list(case.process),
        exact_lines={} if lines else exact_paces(runs),
        headroom=headroom_after(runs),
        left_bytes=case.left_bytes,
        accusation=case.accusation,
        reading=case.judgement.reading if case.judgement else NOTHING_READ,
        patience=patience,
        unit=unit,
    )


class Cases:
    """The cases of all jobs in the history. Runs end, and are judged, in several threads at once."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self._lock = ForkLock()

    def __len__(self) -> int:
        return len(self._cases)

    def overhead_bytes(self) -> int:
        """Return the estimated size of all cases."""
        return CASE_BYTES * len(self._cases)

    def of(self, job: str) -> Case:
        """Return the case of the job, which is created if there is none."""
        with self._lock:
            case = self._cases.get(job)
            if case is None:
                case = self._cases[job] = Case()
            return case

    def record_run(self, run: RunProfile, remembered: int = MAX_RUNS) -> bool:
        """Remember a run that has ended, and at most so many birth numbers; return whether to judge its job now."""
        with self._lock:
            case = self.of(run.job)
            case.record_run(run, remembered)
            return case.is_due()

    def copy_of(self, job: str) -> Case:
        """Return a copy of the job's case, for a judge."""
        with self._lock:
            return self.of(job).copy()

    def note(self, job: str, judgement: Judgement, after_run: int) -> None:
        """Keep a judgement of the runs up to `after_run`, unless a later judgement is kept already."""
        with self._lock:
            case = self.of(job)
            if case.judged_after < after_run:
                case.judgement, case.judged_after = judgement, after_run

    def find(self, job: str) -> Case | None:
        """Return the case of the job, or None if there is none."""
        return self._cases.get(job)

    def keep_only(self, known: Collection[str]) -> None:
        """Forget all jobs that are not in `known`, which the history has dropped."""
        with self._lock:
            for job in self._cases.keys() - known:
                del self._cases[job]

    def forget(self, job: str) -> None:
        """Forget the job, if it has a case."""
        with self._lock:
            self._cases.pop(job, None)
