"""Accusations: when growth justifies one, whether an earlier one still holds, and whether its line still grows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from profiling.records import Accusation, SiteKey, State
from profiling.verdict.evidence import Evidence, GrowthKind, LineEvidence
from profiling.verdict.growth import Growth
from profiling.verdict.survivors import MIN_LATEST_SHARE, NOTHING, Pace
from profiling.verdict.swelling import MIN_YOUNG_SHARE, YOUNG_RUNS

HELD_SHARE = 0.5  # an accusation holds while at least this share of the memory that it rests on is alive
RECENT_TOTALS = 8
TELLING_SAMPLES = 10.0  # expected of the runs since an accusation; if there are fewer, they may be missing by chance


def accusation_of(evidence: Evidence, growths: Iterable[Growth]) -> Accusation | None:
    """Return the accusation that the surest growth justifies, if the job was watched for long enough."""
    for growth in growths:
        pace = growth.pace
        if growth.is_sure and growth.watched >= evidence.needed(pace.bytes_per_run):
            return Accusation(
                state=growth.state,
                since_run=len(evidence.ended),
                births=pace.births,
                site=growth.site,
                bytes_held=_alive_of(evidence, growth.site, pace.births) or pace.bytes_per_run * pace.runs,
                bytes_per_run=pace.bytes_per_run,
            )
    return None


def held(evidence: Evidence) -> Accusation | None:
    """Return the earlier accusation if at least half of its memory is alive after a full collection, else None."""
    accusation = evidence.accusation
    if accusation is None or not evidence.lines or accusation.state is State.NATIVE_GROWTH:
        return accusation
    is_settled = bool(evidence.settled) and evidence.settled[-1] > accusation.births[1]
    if not is_settled:
        return accusation
    alive = max(_alive_of(evidence, accusation.site, accusation.births), _renewed_at(evidence, accusation.site))
    return accusation if alive >= HELD_SHARE * accusation.bytes_held else None


def growth_of_accused(evidence: Evidence, accusation: Accusation | None) -> Growth | None:
    """Return the growth of the accused line, or None if no line is accused, or if the latest runs keep little there.

    An accused job is sampled coarsely, so that for some runs its growth may not be seen by itself.
    """
    line = evidence.lines.get(accusation.site) if accusation and accusation.site else None
    if accusation is None or line is None:
        return None
    runs = [birth for birth in evidence.settled if birth >= accusation.births[0]]
    alive = [(birth, line.births[birth]) for birth in runs if birth in line.births]
    before = sum(each.size_bytes for birth, each in alive if birth <= accusation.births[1])
    if not runs or before < HELD_SHARE * accusation.bytes_held:
        return None
    all_bytes, samples = sum(each.size_bytes for _, each in alive), sum(each.samples for _, each in alive)
    later = sum(birth > accusation.births[1] for birth in runs)
    is_telling = samples * later >= TELLING_SAMPLES * len(runs)
    if is_telling and all_bytes - before < MIN_LATEST_SHARE * accusation.bytes_per_run * later:
        return None
    pace = Pace(
        bytes_per_run=all_bytes / len(runs),
        error_bytes=math.sqrt(sum(each.square for _, each in alive)) / len(runs),
        births=(runs[0], runs[-1]),
        runs=len(runs),
        samples=samples,
        is_sure=False,
    )
    watched = evidence.watched_since(runs[0])
    return Growth(kind=GrowthKind.SURVIVORS, pace=pace, site=accusation.site, watched=watched, is_sure=False)


def _renewed_at(evidence: Evidence, site: SiteKey | None) -> float:
    """Return what may be one object at a line that swells: it is born anew with every run, or of large blocks.

    Of the former the last totals tell in the mean: an accused job is sampled coarsely.
    """
    if site is None:
        return 0.0
    line = evidence.lines.get(site, LineEvidence({}))
    young = sum(line.births.get(birth, NOTHING).size_bytes for birth in evidence.ended[-YOUNG_RUNS:])
    totals = evidence.totals_at(site)[-RECENT_TOTALS:] if young >= MIN_YOUNG_SHARE * line.size_bytes else ()
    return max(line.large_bytes, sum(totals) / max(1, len(totals)))


def _alive_of(evidence: Evidence, site: SiteKey | None, births: tuple[int, int]) -> float:
    lines = evidence.lines.values() if site is None else filter(None, [evidence.lines.get(site)])
    return sum(
        alive.size_bytes for line in lines for birth, alive in line.births.items() if births[0] <= birth <= births[1]
    )
