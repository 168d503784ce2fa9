"""The growth of a job, by each kind of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from profiling.records import SiteKey, State
from profiling.verdict import patience, steady, survivors
from profiling.verdict.evidence import Evidence, GrowthKind, LineEvidence
from profiling.verdict.steady import steady_pace
from profiling.verdict.survivors import NOTHING, Births, Pace, surviving_pace
from profiling.verdict.swelling import MIN_LARGE_SHARE, YOUNG_RUNS, swelling_pace

FREE_LISTS_BYTES = 262_144.0  # bytes per run; a faster pace cannot come from blocks that free lists passed on
SURE_SHARE = 1 / 3  # of the runs that growth was watched for; so many closed ones must show it clearly
ALL_TOTALS = 40  # used from the last runs; the history keeps 50
SAMPLES_OF_ITS_OWN = survivors.MIN_SAMPLES  # a line with fewer samples is judged together with other such lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Something that grows, according to one kind of evidence."""

    kind: GrowthKind
    pace: Pace
    site: SiteKey | None  # None for small lines together, or for the C heap
    watched: int  # the number of runs that the growth has lasted
    is_sure: bool  # whether an accusation may rest on it, as far as its kind of evidence can tell

    @property
    def state(self) -> State:
        """Return the state of a job whose growth is sure."""
        return State.NATIVE_GROWTH if self.kind in {GrowthKind.C_HEAP, GrowthKind.MAPPED} else State.LEAKING


def heap_growth(evidence: Evidence) -> Growth | None:
    """Return the surest growth of Python's heap: at a line, at small lines together, or of one object at a line.

    Memory that fills a store that knows its limit, or may do so, is only a suspicion.
    """
    if not evidence.lines:
        return _exact_growth(evidence)
    suspicion = None
    for site, line in candidates(evidence):
        for growth in (survivors_at(evidence, site, line.births), swelling_at(evidence, site, line)):
            if growth is None:
                continue
            if growth.is_sure and not (evidence.reading.is_awaited or evidence.filling_at(site)):
                return growth
            suspicion = suspicion or replace(growth, is_sure=False)
    return suspicion


def candidates(evidence: Evidence) -> Iterator[tuple[SiteKey | None, LineEvidence]]:
    """Yield each line that may matter, the one with the most bytes first, and then the small lines together.

    The job as a whole is never a candidate: one line that keeps memory from the start, and another that has just
    allocated, would together look like survivors of every age.
    """
    small = []
    for site in sorted(evidence.lines, key=lambda site: -evidence.lines[site].size_bytes):
        line = evidence.lines[site]
        if line.samples >= SAMPLES_OF_ITS_OWN or line.large_bytes:
            yield site, line
        elif not evidence.filling_at(site):
            small.append(site)
    if small:
        yield None, evidence.together(small)


def survivors_at(evidence: Evidence, site: SiteKey | None, births: Births) -> Growth | None:
    """Return the growth by survivors at a line, or at several lines if `site` is None; None if there is no growth."""
    totals = evidence.totals_at(site) if site else ()
    kept = evidence.kept_at(site) if site else {}
    find = partial(
        surviving_pace,
        births,
        min_pace_bytes=evidence.patience.min_pace_bytes,
        latest=evidence.ended,
        totals=totals,
        kept=kept,
        at_once=evidence.at_once,
    )
    over_all = find(evidence.settled)
    if over_all is None:
        return None
    watched = evidence.watched_since(over_all.births[0])
    is_settled = evidence.is_settled_for(evidence.needed(over_all.bytes_per_run), over_all.births[0])
    if over_all.bytes_per_run >= FREE_LISTS_BYTES:
        is_sure = over_all.is_sure and is_settled
        return Growth(kind=GrowthKind.SURVIVORS, pace=over_all, site=site, watched=watched, is_sure=is_sure)
    closed = [birth for birth in evidence.settled if birth in evidence.closed]
    pace = find(closed)
    # All runs that were watched must show the growth, and not only the later ones, which were closed.
    is_sure = (
        over_all.is_sure and is_settled and pace is not None and pace.is_sure and pace.runs >= _confirming(watched)
    )
    return Growth(kind=GrowthKind.SURVIVORS, pace=pace or over_all, site=site, watched=watched, is_sure=is_sure)


def _confirming(watched: int) -> float:
    """Return how many closed runs must confirm a growth that has lasted for `watched` runs."""
    return max(patience.MIN_RUNS, SURE_SHARE * watched)


def swelling_at(evidence: Evidence, site: SiteKey | None, line: LineEvidence) -> Growth | None:
    """Return the growth of one object at a line; None if there is no growth."""
    size_bytes = line.size_bytes
    if site is None or not size_bytes:
        return None
    young = sum(line.births.get(birth, NOTHING).size_bytes for birth in evidence.ended[-YOUNG_RUNS:])
    totals = evidence.totals_at(site)
    pace = swelling_pace(
        totals,
        large_share=line.large_bytes / size_bytes,
        young_share=young / size_bytes,
        blocks=line.large_blocks,
        samples=line.samples,
    )
    if pace is None:
        return None
    births = (evidence.ended[-min(len(totals), len(evidence.ended))], evidence.ended[-1])
    told = Pace(bytes_per_run=pace, error_bytes=0.0, births=births, runs=len(totals), samples=0, is_sure=True)
    # The history has no more totals: an object that grew in all of them must have grown before, too.
    watched = len(evidence.ended) if len(totals) >= ALL_TOTALS else len(totals)
    # Small blocks of the last runs may be garbage of theirs, unless these were closed.
    is_sure = line.large_bytes >= MIN_LARGE_SHARE * size_bytes or evidence.closed.issuperset(
        evidence.ended[-YOUNG_RUNS:]
    )
    return Growth(kind=GrowthKind.SWELLING, pace=told, site=site, watched=watched, is_sure=is_sure)


def _exact_growth(evidence: Evidence) -> Growth | None:
    """Return the growth by exact lines, from runs with a full collection at both ends."""
    pace = steady_pace(evidence.exact, steady.MIN_EXACT_BYTES)
    if pace is None:
        return None
    growth = _of_counter(evidence, GrowthKind.EXACT, pace, len(evidence.exact), is_sure=True)
    return replace(growth, site=max(evidence.exact_lines, key=evidence.exact_lines.__getitem__, default=None))


def native_growth(evidence: Evidence) -> Growth | None:
    """Return the growth of the C heap, or else of memory that the job maps directly."""
    if evidence.process:  # its cause is unknown, so it is only a suspicion
        return _counter_growth(evidence, evidence.process, (), GrowthKind.C_HEAP)
    return _counter_growth(evidence, *evidence.c_heap, GrowthKind.C_HEAP) or _counter_growth(
        evidence, *evidence.mapped, GrowthKind.MAPPED
    )


def _counter_growth(
    evidence: Evidence, changes: Sequence[float], collected: Sequence[float], kind: GrowthKind
) -> Growth | None:
    sure = steady_pace(collected)
    pace = sure or steady_pace(changes)
    if pace is None:
        return None
    runs = len(changes) if steady_pace(changes) else len(collected)
    return _of_counter(evidence, kind, pace, runs, is_sure=sure is not None)


def _of_counter(evidence: Evidence, kind: GrowthKind, pace: float, runs: int, *, is_sure: bool) -> Growth:
    births = (evidence.ended[-min(runs, len(evidence.ended))], evidence.ended[-1])
    told = Pace(bytes_per_run=pace, error_bytes=0.0, births=births, runs=runs, samples=0, is_sure=is_sure)
    return Growth(kind=kind, pace=told, site=None, watched=runs, is_sure=is_sure)
