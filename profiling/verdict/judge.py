"""From the evidence to a verdict: a pure function.

Three kinds of evidence accuse: survivors of every age, an object that swells, and a C heap that grows within collected
runs. An accusation is withdrawn only when a later full collection finds less than half of it alive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from profiling.records import Accusation, SiteKey, State, Suspect, Verdict
from profiling.verdict import patience, steady, survivors
from profiling.verdict.evidence import Evidence, Kind, LineEvidence
from profiling.verdict.forecast import forecast
from profiling.verdict.steady import steady_pace
from profiling.verdict.survivors import NOTHING, Births, Pace, surviving_pace
from profiling.verdict.swelling import YOUNG_RUNS, swelling_pace
from profiling.verdict.wording import reason_of

MIN_RUNS = patience.MIN_RUNS
FREE_LISTS_BYTES = 262_144.0  # per run: above it a pace cannot come from blocks that free lists handed on
SURE_SHARE = 0.5  # of the runs that a growth has gone on for: so many of them have to make the case sure
HELD_SHARE = 0.5  # of what an accusation rests on: while so much is alive it holds
ALL_TOTALS = 40  # of the last runs; the history keeps 50
SAMPLES_OF_ITS_OWN = survivors.MIN_SAMPLES  # a line with fewer is judged with others of the kind
WARM_UP_RUNS = 2  # what the first runs keep is a warm-up, if no other runs keep anything
MIN_KEEPING_RUNS = 2
MIN_SWELLING_SHARE = 0.5  # of the least pace that matters
MAX_SUSPECTS = 10
MIN_SUSPECT_SHARE = 0.05  # of what all lines together grow by


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Something that grows, of one kind of evidence."""

    kind: Kind
    pace: Pace
    site: SiteKey | None  # None: small lines together, or the C heap
    watched: int  # for how many runs it has gone on
    is_sure: bool  # an accusation may rest on it, as far as its kind goes

    @property
    def state(self) -> State:
        """What it is called if it is sure."""
        return State.NATIVE_GROWTH if self.kind in {Kind.C_HEAP, Kind.MAPPED} else State.LEAKING


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and what would help to make the next one surer."""

    verdict: Verdict
    suspected: bool  # the job's runs are to be closed: free lists emptied at both ends
    keeps_something: bool  # of more than one run, be it a leak or a store that fills up
    wants_collection: bool  # a full collection would tell garbage from what is kept
    wants_collected_runs: bool  # full collections at both ends of its runs would tell native growth


def judge(evidence: Evidence) -> Judgement:
    """Return what the evidence says of the job."""
    if len(evidence.ended) < MIN_RUNS and evidence.accusation is None:
        return _too_few(evidence)
    heap, native = _heap_growth(evidence), _native_growth(evidence)
    accusation = _held(evidence) or _accusation(evidence, [growth for growth in (heap, native) if growth])
    state = accusation.state if accusation else (State.GROWING if heap or native else State.STABLE)
    # What an accusation is of comes first: a small leak may stand beside a large native growth.
    leading = native if accusation and accusation.state is State.NATIVE_GROWTH else heap or native
    pace = leading.pace if leading else None
    per_run = pace.bytes_per_run if pace else accusation.bytes_per_run if accusation else _settled_pace(evidence)
    interval = pace.interval_bytes if pace else (per_run, per_run)
    beside = native.pace.bytes_per_run if native and leading is heap else None
    verdict = Verdict(
        state=state,
        reason=reason_of(
            state,
            evidence,
            per_run=per_run,
            beside=beside,
            growth=pace,
            accusation=accusation,
            kind=leading.kind if leading else None,
            kind_beside=native.kind if beside and native else None,
        ),
        runs=len(evidence.ended),
        bytes_per_run=per_run,
        interval_bytes=interval,
        native_bytes_per_run=beside,
        accusation=accusation,
        suspects=_suspects(evidence) if heap and state is not State.NATIVE_GROWTH else (),
        forecast=forecast(state, (per_run + (beside or 0.0), interval[0], interval[1] + (beside or 0.0)), evidence.room)
        if evidence.room
        else None,
    )
    return Judgement(
        verdict=verdict,
        suspected=heap is not None or _is_suspect(evidence),
        keeps_something=heap is not None or native is not None or _keeps_something(evidence),
        wants_collection=_wants_collection(evidence),
        wants_collected_runs=native is not None and not native.is_sure and not evidence.process,
    )


def _too_few(evidence: Evidence) -> Judgement:
    state = State.INSUFFICIENT_RUNS
    verdict = Verdict(
        state=state,
        reason=reason_of(state, evidence),
        runs=len(evidence.ended),
        bytes_per_run=None,
        interval_bytes=None,
        forecast=forecast(state, None, evidence.room) if evidence.room else None,
    )
    is_suspect = _is_suspect(evidence)
    return Judgement(
        verdict=verdict,
        suspected=is_suspect,
        keeps_something=_may_grow(evidence),
        wants_collection=is_suspect and len(evidence.ended) == MIN_RUNS - 1,
        wants_collected_runs=False,
    )


# ---- Python's heap ----


def _heap_growth(evidence: Evidence) -> Growth | None:
    """Return the surest growth of Python's heap: of a line, of small lines together, or of one object at a line."""
    if not evidence.lines:
        return _exact_growth(evidence)
    suspicion = None
    for site, line in _candidates(evidence):
        for growth in (_survivors_at(evidence, site, line.births), _swelling_at(evidence, site, line)):
            if growth is not None and growth.is_sure:
                return growth
            suspicion = suspicion or growth
    return suspicion


def _candidates(evidence: Evidence) -> Iterator[tuple[SiteKey | None, LineEvidence]]:
    """Yield each line that may matter, the one with the most bytes first, and then the small ones together.

    Never the job as a whole: what one line keeps from the start and another has just made look like survivors of every
    age together.
    """
    small = []
    for site in sorted(evidence.lines, key=lambda site: -evidence.lines[site].size_bytes):
        line = evidence.lines[site]
        if line.samples >= SAMPLES_OF_ITS_OWN or line.large_bytes:
            yield site, line
        else:
            small.append(site)
    if small:
        yield None, evidence.together(small)


def _survivors_at(evidence: Evidence, site: SiteKey | None, births: Births) -> Growth | None:
    totals = evidence.totals_at(site) if site else ()
    kept = evidence.kept_at(site) if site else {}
    find = partial(
        surviving_pace,
        births,
        min_pace_bytes=evidence.patience.min_pace_bytes,
        latest=evidence.ended,
        totals=totals,
        kept=kept,
    )
    over_all = find(evidence.settled)
    if over_all is None:
        return None
    watched = sum(birth >= over_all.births[0] for birth in evidence.ended)
    if over_all.bytes_per_run >= FREE_LISTS_BYTES:
        return Growth(kind=Kind.SURVIVORS, pace=over_all, site=site, watched=watched, is_sure=over_all.is_sure)
    closed = [birth for birth in evidence.settled if birth in evidence.closed]
    pace = find(closed)
    is_sure = pace is not None and pace.is_sure and pace.runs >= max(MIN_RUNS, SURE_SHARE * watched)
    return Growth(kind=Kind.SURVIVORS, pace=pace or over_all, site=site, watched=watched, is_sure=is_sure)


def _swelling_at(evidence: Evidence, site: SiteKey | None, line: LineEvidence) -> Growth | None:
    size_bytes = line.size_bytes
    if site is None or not size_bytes:
        return None
    young = sum(line.births.get(birth, NOTHING).size_bytes for birth in evidence.ended[-YOUNG_RUNS:])
    totals = evidence.totals_at(site)
    pace = swelling_pace(
        totals, large_share=line.large_bytes / size_bytes, young_share=young / size_bytes, blocks=line.large_blocks
    )
    if pace is None:
        return None
    births = (evidence.ended[-min(len(totals), len(evidence.ended))], evidence.ended[-1])
    told = Pace(bytes_per_run=pace, error_bytes=0.0, births=births, runs=len(totals), samples=0, is_sure=True)
    # The history has no more totals than these: an object that swelled in all of them did so before, too.
    watched = len(evidence.ended) if len(totals) >= ALL_TOTALS else len(totals)
    return Growth(kind=Kind.SWELLING, pace=told, site=site, watched=watched, is_sure=True)


def _exact_growth(evidence: Evidence) -> Growth | None:
    """Return the growth by exact lines, around runs with a full collection at both ends."""
    pace = steady_pace(evidence.exact, steady.MIN_EXACT_BYTES)
    if pace is None:
        return None
    growth = _of_counter(evidence, Kind.EXACT, pace, len(evidence.exact), is_sure=True)
    return replace(growth, site=max(evidence.exact_lines, key=evidence.exact_lines.__getitem__, default=None))


# ---- beside Python's heap ----


def _native_growth(evidence: Evidence) -> Growth | None:
    """Return the growth of the C heap or, without one, of memory that the job maps directly."""
    if evidence.process:  # of which it is not known what it is: no more than a suspicion
        return _counter_growth(evidence, evidence.process, (), Kind.C_HEAP)
    return _counter_growth(evidence, *evidence.c_heap, Kind.C_HEAP) or _counter_growth(
        evidence, *evidence.mapped, Kind.MAPPED
    )


def _counter_growth(
    evidence: Evidence, changes: Sequence[float], collected: Sequence[float], kind: Kind
) -> Growth | None:
    sure = steady_pace(collected)
    pace = sure or steady_pace(changes)
    if pace is None:
        return None
    runs = len(changes) if steady_pace(changes) else len(collected)
    return _of_counter(evidence, kind, pace, runs, is_sure=sure is not None)


def _of_counter(evidence: Evidence, kind: Kind, pace: float, runs: int, *, is_sure: bool) -> Growth:
    births = (evidence.ended[-min(runs, len(evidence.ended))], evidence.ended[-1])
    told = Pace(bytes_per_run=pace, error_bytes=0.0, births=births, runs=runs, samples=0, is_sure=is_sure)
    return Growth(kind=kind, pace=told, site=None, watched=runs, is_sure=is_sure)


# ---- accusations ----


def _accusation(evidence: Evidence, growths: Iterable[Growth]) -> Accusation | None:
    """Return the accusation that the surest growth justifies, if the job was watched for long enough."""
    for growth in growths:
        pace = growth.pace
        needed = evidence.patience.runs(pace.bytes_per_run, evidence.left_bytes)
        if growth.is_sure and growth.watched >= needed:
            return Accusation(
                state=growth.state,
                since_run=len(evidence.ended),
                births=pace.births,
                site=growth.site,
                bytes_held=_alive_of(evidence, growth.site, pace.births) or pace.bytes_per_run * pace.runs,
                bytes_per_run=pace.bytes_per_run,
            )
    return None


def _held(evidence: Evidence) -> Accusation | None:
    """Return the earlier accusation, if at least half of what it rests on is still alive after a full collection."""
    accusation = evidence.accusation
    if accusation is None or not evidence.lines or accusation.state is State.NATIVE_GROWTH:
        return accusation
    is_settled = bool(evidence.settled) and evidence.settled[-1] > accusation.births[1]
    if not is_settled:
        return accusation
    # An object that swells is born anew with every run, so all that is alive at its line counts.
    alive = max(
        _alive_of(evidence, accusation.site, accusation.births),
        evidence.lines[accusation.site].large_bytes if accusation.site and accusation.site in evidence.lines else 0.0,
    )
    return accusation if alive >= HELD_SHARE * accusation.bytes_held else None


def _alive_of(evidence: Evidence, site: SiteKey | None, births: tuple[int, int]) -> float:
    lines = evidence.lines.values() if site is None else filter(None, [evidence.lines.get(site)])
    return sum(
        alive.size_bytes for line in lines for birth, alive in line.births.items() if births[0] <= birth <= births[1]
    )


# ---- what would help ----


def _is_suspect(evidence: Evidence) -> bool:
    """Return whether the ages look like a leak's, garbage and all."""
    least = evidence.patience.min_pace_bytes
    return any(
        surviving_pace(line.births, evidence.ended, min_pace_bytes=least) is not None
        for _, line in _candidates(evidence)
    )


def _keeps_something(evidence: Evidence) -> bool:
    """Return whether a line holds memory of several runs, the first and the last ones aside, or has swelled."""
    middle, least = set(evidence.settled[WARM_UP_RUNS:-YOUNG_RUNS]), evidence.patience.min_pace_bytes
    for site, line in evidence.lines.items():
        alive = [line.births[birth].size_bytes for birth in middle & line.births.keys()]
        if len(alive) >= MIN_KEEPING_RUNS and sum(alive) >= least:
            return True
        totals = evidence.totals_at(site) if line.large_bytes else ()
        if len(totals) > YOUNG_RUNS and totals[-1] - totals[0] >= MIN_SWELLING_SHARE * least * len(totals):
            return True
    return any(sum(changes) >= least * len(changes) > 0 for changes, _ in (evidence.c_heap, evidence.mapped))


def _may_grow(evidence: Evidence) -> bool:
    """Return whether anything was kept, after a warm-up, by runs that are too few to tell what became of that."""
    later = set(evidence.ended[WARM_UP_RUNS:])
    kept = sum(
        line.births[birth].size_bytes for line in evidence.lines.values() for birth in later & line.births.keys()
    )
    return (
        kept >= evidence.patience.min_pace_bytes
        or sum(evidence.exact[WARM_UP_RUNS:]) >= evidence.patience.min_pace_bytes
        or any(
            sum(changes) >= steady.MIN_NATIVE_BYTES * len(changes) > 0
            for changes, _ in (evidence.c_heap, evidence.mapped)
        )
    )


def _wants_collection(evidence: Evidence) -> bool:
    unsettled = len(evidence.ended) - len(evidence.settled)
    return unsettled > max(2, len(evidence.ended) // 8) and _is_suspect(evidence)


def _settled_pace(evidence: Evidence) -> float:
    """Return what is alive, per run, of the older half of the settled runs: what stays of a stable job's."""
    older: Sequence[int] = evidence.settled[: len(evidence.settled) // 2]
    births = evidence.together(evidence.lines).births
    return sum(births.get(birth, NOTHING).size_bytes for birth in older) / len(older) if older else 0.0


def _suspects(evidence: Evidence) -> tuple[Suspect, ...]:
    """Return the lines that grow, the one with the highest pace first."""
    paces = [(pace, site) for site, pace in evidence.exact_lines.items()] if not evidence.lines else []
    for site, line in _candidates(evidence):
        if site is None:
            continue
        growth = _survivors_at(evidence, site, line.births) or _swelling_at(evidence, site, line)
        if growth is not None:
            paces.append((growth.pace.bytes_per_run, site))
    least = MIN_SUSPECT_SHARE * sum(pace for pace, _ in paces)
    ranked = sorted((pace for pace in paces if pace[0] >= least), key=lambda pace: (-pace[0], pace[1]))
    return tuple(Suspect(site=site, bytes_per_run=pace, stack=(site,)) for pace, site in ranked[:MAX_SUSPECTS])


def with_stacks(verdict: Verdict, stacks: Mapping[SiteKey, tuple[SiteKey, ...]]) -> Verdict:
    """Return the verdict with the stacks of its suspects, as far as they are known."""
    told = tuple(replace(suspect, stack=stacks.get(suspect.site, suspect.stack)) for suspect in verdict.suspects)
    return replace(verdict, suspects=told)
