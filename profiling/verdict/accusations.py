"""Accusations: when growth justifies one, and whether an earlier one still holds."""

from __future__ import annotations

from collections.abc import Iterable

from profiling.records import Accusation, SiteKey, State
from profiling.verdict.evidence import Evidence
from profiling.verdict.growth import Growth

HELD_SHARE = 0.5  # an accusation holds while at least this share of the memory that it rests on is alive


def accusation_of(evidence: Evidence, growths: Iterable[Growth]) -> Accusation | None:
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


def held(evidence: Evidence) -> Accusation | None:
    """Return the earlier accusation if at least half of its memory is alive after a full collection, else None."""
    accusation = evidence.accusation
    if accusation is None or not evidence.lines or accusation.state is State.NATIVE_GROWTH:
        return accusation
    is_settled = bool(evidence.settled) and evidence.settled[-1] > accusation.births[1]
    if not is_settled:
        return accusation
    # An object that swells is replaced in every run, so all that is alive at its line counts.
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
