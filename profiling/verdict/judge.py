"""The verdict from the evidence: a pure function.

Three kinds of evidence accuse a job: survivors of every age, an object that swells, and a counter beside Python's heap
that grows in runs whose own garbage was collected. An accusation is withdrawn only when a later full collection leaves
less than half of its memory alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from profiling.records import Accusation, Forecast, State, Verdict
from profiling.verdict import patience, steady, survivors
from profiling.verdict.accusations import accusation_of, growth_of_accused, held
from profiling.verdict.bounds import NOTHING_READ, Reading
from profiling.verdict.evidence import Evidence
from profiling.verdict.forecast import Pace, forecast
from profiling.verdict.growth import Growth, candidates, heap_growth, native_growth
from profiling.verdict.statistics import mann_kendall_z, quarter_means
from profiling.verdict.survivors import NOTHING, WARM_UP_RUNS, surviving_pace
from profiling.verdict.suspects import growing_lines, pace_of_all, suspects_of
from profiling.verdict.swelling import YOUNG_RUNS
from profiling.verdict.wording import reason_of

MIN_RUNS = patience.MIN_RUNS
MIN_KEEPING_RUNS = 2
RISING_Z = 2.5  # standard errors by which the total of a line rises; it seldom does by chance
LATEST_CHANGES = 3  # at least, because some jobs grow only in every third run
# runs, or share of the runs, since the last collection; after more, one is wanted in any case
MIN_UNSETTLED = 2
MAX_UNSETTLED_SHARE = 1 / 2
MIN_KEEPING_SHARE = 0.5  # of the minimum pace, on average, because some jobs leak only in every third run


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and what would make the next one surer."""

    verdict: Verdict
    suspected: bool  # the job's runs should be closed: free lists emptied at both ends
    keeps_something: bool  # memory of more than one run is kept, by a leak or by a store that fills up
    wants_collection: bool  # a full collection would separate garbage from kept memory
    wants_collected_runs: bool  # runs whose own garbage is collected would separate native growth from garbage
    wants_bounds: bool = False  # looking at stores that know their limit would tell whether the job fills one
    reading: Reading = NOTHING_READ  # the last look at the stores


def judge(evidence: Evidence) -> Judgement:
    """Return the verdict on the job, and what would make the next one surer."""
    if len(evidence.ended) < MIN_RUNS and evidence.accusation is None:
        return _too_few(evidence)
    heap, native = heap_growth(evidence), native_growth(evidence)
    accusation = held(evidence) or accusation_of(evidence, [growth for growth in (heap, native) if growth])
    state = accusation.state if accusation else (State.GROWING if heap or native else State.STABLE)
    accused = growth_of_accused(evidence, accusation)
    heap = heap or accused
    # The subject of an accusation comes first, because a small leak may exist beside a large native growth.
    leading = native if accusation and accusation.state is State.NATIVE_GROWTH else heap or native
    bound = evidence.filling_at(heap.site) if heap and leading is heap and not accusation else None
    lines = growing_lines(evidence, accused, stores_too=bound is not None) if heap or accusation else ()
    pace = leading.pace if leading else None
    if heap is not None and leading is heap:
        pace = pace_of_all(heap, lines)  # one line decides, but all growing lines count
    per_run = pace.bytes_per_run if pace else accusation.bytes_per_run if accusation else _settled_pace(evidence)
    interval = pace.interval_bytes if pace else (per_run, per_run)
    beside = native.pace.bytes_per_run if native and leading is heap else None
    verdict = Verdict(
        state=state,
        reason=reason_of(
            state,
            evidence,
            bound=bound,
            per_run=per_run,
            growth=leading,
            beside=native if leading is heap else None,
            accusation=accusation,
        ),
        runs=len(evidence.ended),
        bytes_per_run=per_run,
        interval_bytes=interval,
        native_bytes_per_run=beside,
        accusation=accusation,
        bound=bound,
        suspects=()
        if state is State.NATIVE_GROWTH or not (heap or accusation)
        else suspects_of(evidence, lines, accusation),
        forecast=_forecast(evidence, state, (per_run + (beside or 0.0), interval[0], interval[1] + (beside or 0.0))),
    )
    return Judgement(
        verdict=verdict,
        suspected=heap is not None or _is_suspect(evidence),
        keeps_something=heap is not None or _keeps_something(evidence),
        wants_collection=_wants_collection(evidence),
        wants_collected_runs=native is not None and not native.is_sure and not evidence.process,
        wants_bounds=_wants_bounds(evidence, heap, accusation),
        reading=evidence.reading,
    )


def _too_few(evidence: Evidence) -> Judgement:
    state = State.INSUFFICIENT_RUNS
    verdict = Verdict(
        state=state,
        reason=reason_of(state, evidence),
        runs=len(evidence.ended),
        bytes_per_run=None,
        interval_bytes=None,
        forecast=_forecast(evidence, state, None),
    )
    is_suspect = _is_suspect(evidence)
    return Judgement(
        verdict=verdict,
        suspected=is_suspect,
        keeps_something=_may_grow(evidence),
        wants_collection=is_suspect and len(evidence.ended) == MIN_RUNS - 1,
        wants_collected_runs=False,
    )


def _forecast(evidence: Evidence, state: State, pace: Pace | None) -> Forecast | None:
    return forecast(state, pace, evidence.headroom, evidence.unit.one) if evidence.headroom else None


# ---- what would help ----


def _suspicions(evidence: Evidence) -> Iterator[survivors.Pace]:
    """Yield the pace of each line at which the ages of what is alive, garbage included, look like a leak's."""
    least = evidence.patience.min_pace_bytes
    for _, line in candidates(evidence):
        pace = surviving_pace(line.births, evidence.ended, min_pace_bytes=least)
        if pace is not None:
            yield pace


def _is_suspect(evidence: Evidence) -> bool:
    return any(True for _ in _suspicions(evidence))


def _keeps_something(evidence: Evidence) -> bool:
    """Return whether a line holds memory of several runs, the first and last runs aside, or has swelled."""
    middle, least = set(evidence.settled[WARM_UP_RUNS:-YOUNG_RUNS]), evidence.patience.min_pace_bytes
    for site, line in evidence.lines.items():
        alive = [line.births[birth].size_bytes for birth in middle & line.births.keys()]
        if len(alive) >= MIN_KEEPING_RUNS and sum(alive) >= MIN_KEEPING_SHARE * least * len(middle):
            return True
        totals = evidence.totals_at(site)
        if len(totals) > YOUNG_RUNS:
            first, *_, last = quarter_means(totals)
            if last - first >= MIN_KEEPING_SHARE * least * len(totals) and mann_kendall_z(totals) >= RISING_Z:
                return True
    return _grows_natively(evidence)


def _may_grow(evidence: Evidence) -> bool:
    """Return whether runs after the warm-up kept anything, but are too few to show what becomes of it.

    Memory of a single run does not count, because the latest run of every job may still hold some.
    """
    later = set(evidence.ended[WARM_UP_RUNS:])
    least = MIN_KEEPING_SHARE * evidence.patience.min_pace_bytes * len(later)
    alive = [(birth, each.size_bytes) for line in evidence.lines.values() for birth, each in line.births.items()]
    kept = [(birth, size_bytes) for birth, size_bytes in alive if birth in later]
    runs_that_kept = {birth for birth, _ in kept}
    if len(runs_that_kept) >= MIN_KEEPING_RUNS and sum(size_bytes for _, size_bytes in kept) >= least:
        return True
    return sum(evidence.exact[WARM_UP_RUNS:]) >= least > 0 or _grows_natively(evidence)


def _grows_natively(evidence: Evidence) -> bool:
    """Return whether a counter beside Python's heap grows fast enough for native growth, on average and of late.

    A warm-up may raise the average of many runs, but it fades.
    """
    return any(
        all(sum(part) >= steady.MIN_NATIVE_BYTES * len(part) > 0 for part in (changes, _latest_third(changes)))
        for changes, _ in (evidence.c_heap, evidence.mapped)
    )


def _latest_third(changes: Sequence[float]) -> Sequence[float]:
    return changes[-max(LATEST_CHANGES, len(changes) // 3) :]


def _wants_collection(evidence: Evidence) -> bool:
    """Return whether the last collection was long ago, or one would settle a suspicion watched for long enough.

    A process has time for few collections, so those that lead to a verdict come first.
    """
    unsettled = len(evidence.ended) - len(evidence.settled)
    if not unsettled:
        return False
    is_long = unsettled > max(MIN_UNSETTLED, MAX_UNSETTLED_SHARE * len(evidence.ended))
    return any(is_long or _would_settle(evidence, pace) for pace in _suspicions(evidence))


def _would_settle(evidence: Evidence, pace: survivors.Pace) -> bool:
    needed, first = evidence.needed(pace.bytes_per_run), pace.births[0]
    return evidence.watched_since(first) >= needed - 1 and not evidence.is_settled_for(needed, first)


def _wants_bounds(evidence: Evidence, heap: Growth | None, accusation: Accusation | None) -> bool:
    """Return whether to look at stores: when growth is first seen, while one fills up, and before an accusation."""
    if heap is None or not evidence.lines or evidence.accusation is not None:
        return False
    reading = evidence.reading
    if not reading.birth:
        return True
    return reading.is_awaited or (reading.is_due(evidence.ended) and (bool(reading.excused) or accusation is not None))


def _settled_pace(evidence: Evidence) -> float:
    """Return the bytes per run that are alive of the older half of the settled runs: what a stable job keeps."""
    older: Sequence[int] = evidence.settled[: len(evidence.settled) // 2]
    births = evidence.together(evidence.lines).births
    return sum(births.get(birth, NOTHING).size_bytes for birth in older) / len(older) if older else 0.0
