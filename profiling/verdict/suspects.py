"""Suspects: the lines that grow, their growth together, and the stacks that lead to them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from profiling.records import Accusation, SiteKey, Suspect, Verdict
from profiling.verdict.evidence import Evidence, LineEvidence
from profiling.verdict.growth import Growth, survivors_at, swelling_at
from profiling.verdict.survivors import Pace

MAX_SUSPECTS = 10
MIN_SUSPECT_SHARE = 0.05  # of the growth of all lines together
EXACT_SHARE = 0.5  # of the pace; if exact lines explain less, they do not rank the suspects
FEW_SAMPLES = 32  # at one line; with fewer, an age may be missing by chance


def growing_lines(evidence: Evidence, accused: Growth | None = None, *, stores_too: bool = True) -> Sequence[Growth]:
    """Return the growth of each line, however slow, and of all lines with few samples together (`site` None).

    One leak may take a little at each of fifty lines. So the minimum pace, which is for accusations, does not apply
    here. Without `stores_too`, lines that fill a store that knows its limit are left out. The growth of the accused
    line counts unless that line is found to grow by itself.
    """
    slow = replace(evidence, patience=replace(evidence.patience, min_pace_bytes=0.0))
    growths, few = [], []
    for site, line in evidence.lines.items():
        if not stores_too and evidence.filling_at(site):
            continue
        growth = _growth_of(slow, site, line)
        if growth is not None:
            growths.append(growth)
        elif accused and site == accused.site:
            growths.append(accused)
        elif line.samples < FEW_SAMPLES:
            few.append(site)
    together = survivors_at(slow, None, slow.together(few).births) if few else None
    return [*growths, together] if together else growths


def _growth_of(evidence: Evidence, site: SiteKey, line: LineEvidence) -> Growth | None:
    found = filter(None, (survivors_at(evidence, site, line.births), swelling_at(evidence, site, line)))
    return max(found, key=lambda growth: (growth.is_sure, growth.pace.bytes_per_run), default=None)


def pace_of_all(growth: Growth, lines: Sequence[Growth]) -> Pace:
    """Return the pace of all growing lines, over the runs of the growth that a verdict rests on."""
    bytes_per_run = sum(line.pace.bytes_per_run for line in lines)
    if bytes_per_run <= growth.pace.bytes_per_run:
        return growth.pace
    error_bytes = math.hypot(*(line.pace.error_bytes for line in lines))
    return replace(growth.pace, bytes_per_run=bytes_per_run, error_bytes=error_bytes)


def suspects_of(
    evidence: Evidence, lines: Sequence[Growth], accusation: Accusation | None = None
) -> tuple[Suspect, ...]:
    """Return the growing lines, the fastest first; the accused line is always among them."""
    paces = {growth.site: growth.pace.bytes_per_run for growth in lines if growth.site is not None}
    if not evidence.lines:
        paces = dict(evidence.exact_lines)
    if not paces and accusation and accusation.site:  # the leaked memory is still alive, although no more is added now
        paces[accusation.site] = accusation.bytes_per_run
    least = MIN_SUSPECT_SHARE * sum(paces.values())
    ranked = sorted(paces, key=lambda site: (-paces[site], site))
    told = [site for site in ranked if paces[site] >= least][:MAX_SUSPECTS] or ranked[:1]
    if accusation and accusation.site in paces and accusation.site not in told:
        told = [*told[: MAX_SUSPECTS - 1], accusation.site]
    return tuple(Suspect(site=site, bytes_per_run=paces[site], stack=(site,)) for site in told)


def with_exact_paces(verdict: Verdict, paces: Mapping[SiteKey, float]) -> Verdict:
    """Return the verdict with its suspects ranked by exact paces, if these explain at least half of its growth.

    If one line frees a block and the next line takes it from a free list, the block never passes the allocator, so its
    sample names the first line for ever. tracemalloc notices the new owner.
    """
    exact = [replace(suspect, bytes_per_run=paces.get(suspect.site, 0.0)) for suspect in verdict.suspects]
    explained = sum(suspect.bytes_per_run for suspect in exact)
    if explained < EXACT_SHARE * (verdict.bytes_per_run or 0.0):
        return verdict
    told = [suspect for suspect in exact if suspect.bytes_per_run >= MIN_SUSPECT_SHARE * explained]
    return replace(verdict, suspects=tuple(sorted(told, key=lambda suspect: (-suspect.bytes_per_run, suspect.site))))


def with_stacks(verdict: Verdict, stacks: Mapping[SiteKey, tuple[SiteKey, ...]]) -> Verdict:
    """Return the verdict with the stacks of its suspects, as far as they are known."""
    told = tuple(replace(suspect, stack=stacks.get(suspect.site, suspect.stack)) for suspect in verdict.suspects)
    return replace(verdict, suspects=told)
