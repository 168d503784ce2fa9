"""What is remembered of each job between its runs, and the evidence that is made of it."""

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

MAX_RUNS = 512  # whose births are remembered, 13 bytes each
CASE_BYTES = 3_300  # with 128 births and a judgement, as measured
MAX_CHANGES = 100  # of the C heap
FIRST_RUNS = 8  # before, nobody looks
JUDGED_EVERY = 4  # runs of a job that is under no suspicion
MIN_LINE_BYTES = 512.0  # per run, that a line has to grow by to be named
NEVER = -1  # the count of full collections if none is to be had


@dataclass(slots=True)
class Changes:
    """The changes of a counter within a job's last runs."""

    values: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, change: float | None, *, is_collected: bool) -> None:
        """Note a run's change, if it is known, and whether the run's own garbage is in it."""
        if change is not None:
            self.values.append((change, is_collected))
            del self.values[:-MAX_CHANGES]

    def all_and_collected(self) -> tuple[Sequence[float], Sequence[float]]:
        """Return the changes of all runs, and those of the runs whose garbage was collected."""
        return [change for change, _ in self.values], [change for change, collected in self.values if collected]


@dataclass(slots=True)
class Case:
    """One job: its last runs, what the C heap did in them, and what was last said of it."""

    births: array[int] = field(default_factory=lambda: array("I"))  # of completed runs, oldest first
    collections: array[int] = field(default_factory=lambda: array("i"))  # full ones so far, when each of them ended
    calls: array[int] = field(default_factory=lambda: array("I"))  # likewise, within each of them
    closed: bytearray = field(default_factory=bytearray)  # 1: its free lists were emptied at both ends
    c_heap: Changes = field(default_factory=lambda: Changes())
    mapped: Changes = field(default_factory=lambda: Changes())
    exact: list[float] = field(default_factory=list)
    process: list[float] = field(default_factory=list)
    judgement: Judgement | None = None
    judged_after: int = 0  # the id of the last run that it rests on
    runs: int = 0  # completed, since the start
    left_bytes: float = math.inf  # to the memory limit, after the first of them
    duration_s: float = 0.0  # of the last of them

    def record_run(self, run: RunProfile, remembered: int = MAX_RUNS) -> None:
        """Remember a run that has ended, and so many in all. One that failed keeps what its error holds: it is none."""
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
        """Note the run's counters only if no other job ran meanwhile: else the changes are not the job's own."""
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
        """Return the last verdict, or None before any."""
        return self.judgement.verdict if self.judgement else None

    @property
    def accusation(self) -> Accusation | None:
        """Return what the last verdict accuses the job of, or None."""
        return self.verdict.accusation if self.verdict else None

    @property
    def calls_per_run(self) -> float:
        """Return the calls within a window in the mean; 1 for a job, whose runs are calls."""
        return sum(self.calls) / len(self.calls) if self.calls else 1.0

    def copy(self) -> Case:
        """Return the case as it is now: a run may end while it is judged."""
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
        """Return whether a verdict is to be made now, though nobody asks."""
        if self.runs < FIRST_RUNS:
            return False
        if self.judgement is not None and (self.judgement.suspected or self.judgement.verdict.state.is_accusation):
            return True
        return self.runs % JUDGED_EVERY == 0 or self.runs in {MIN_RUNS - 1, MIN_RUNS}


def native_change(run: RunProfile) -> float | None:
    """Return by how much the C heap grew in the run, less what Python and the profiler have of it; None if unknown.

    Without samples it is not known how much of the growth of Python's own heap malloc has served, so all of it is taken
    off: too much rather than too little.
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
    """Return by how much memory mapped directly grew in the run, as far as it is resident; None if unknown.

    What a library maps and does not touch takes no memory, and a thread's stack is mapped whole.
    """
    before, after = run.before.mapped_bytes, run.after.mapped_bytes
    if before is None or after is None:
        return None
    return float(min(after - before, run.rss_diff_bytes)) - run.mapped_in_runs_bytes


TRACE_MALLOC_BYTES = 100  # what malloc hands out for a live trace, measured on 3.11 to 3.13; tracemalloc tells half


def _native_bytes(counters: Counters) -> float | None:
    if counters.c_heap_used_bytes is None:
        return None
    return counters.c_heap_used_bytes - counters.overhead_bytes - (counters.python_malloc_bytes or 0.0)


class RecentLines:
    """What the samples of a job's last runs said of each line: alive after each run, and kept by it."""

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
        """Return how many runs were at work together at most."""
        return max((run.at_once for run in self._runs), default=1)

    def totals_at(self, site: SiteKey) -> Sequence[float]:
        """Return the bytes alive at the line after each run, oldest first."""
        return [alive.get(site, 0) for alive in self._alive]

    def kept_at(self, site: SiteKey) -> Mapping[int, float]:
        """Return by birth what each run had kept at the line when it ended."""
        return {birth: kept.get(site, 0) for birth, kept in self._kept}


def exact_paces(runs: Sequence[RunProfile]) -> Mapping[SiteKey, float]:
    """Return the bytes per run of each line that grows steadily by exact lines, in runs whose garbage is gone."""
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
    """Return what is known of a job now.

    Args:
        case: What is remembered of it.
        runs: Its runs in the history, oldest first.
        lines: What is alive of it, by line and birth.
        collections: How many full collections there have been; None if the program collects no garbage.
        patience: How long it may be watched.
        unit: What its runs are called.
    """
    recent = RecentLines(runs)
    settled = [
        birth
        for birth, count in zip(case.births, case.collections, strict=True)
        if collections is None or count == NEVER or count < collections
    ]
    # Without samples births are not to be had, and the runs are numbered.
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
    """The cases of all jobs that the history knows. Runs end, and are judged, in several threads at once."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self._lock = ForkLock()

    def __len__(self) -> int:
        return len(self._cases)

    def overhead_bytes(self) -> int:
        """Return about what the cases hold."""
        return CASE_BYTES * len(self._cases)

    def of(self, job: str) -> Case:
        """Return the job's case, a new one if there is none."""
        with self._lock:
            case = self._cases.get(job)
            if case is None:
                case = self._cases[job] = Case()
            return case

    def record_run(self, run: RunProfile, remembered: int = MAX_RUNS) -> bool:
        """Remember a run that has ended, and so many in all; return whether its job is to be judged now."""
        with self._lock:
            case = self.of(run.job)
            case.record_run(run, remembered)
            return case.is_due()

    def copy_of(self, job: str) -> Case:
        """Return the job's case as it is now, for a judge."""
        with self._lock:
            return self.of(job).copy()

    def note(self, job: str, judgement: Judgement, after_run: int) -> None:
        """Keep a judgement that rests on the runs up to that one, unless there is a later one."""
        with self._lock:
            case = self.of(job)
            if case.judged_after < after_run:
                case.judgement, case.judged_after = judgement, after_run

    def find(self, job: str) -> Case | None:
        """Return the job's case, or None."""
        return self._cases.get(job)

    def keep_only(self, known: Collection[str]) -> None:
        """Forget jobs that the history has forgotten."""
        with self._lock:
            for job in self._cases.keys() - known:
                del self._cases[job]

    def forget(self, job: str) -> None:
        """Forget the job, if there is a case of it."""
        with self._lock:
            self._cases.pop(job, None)
