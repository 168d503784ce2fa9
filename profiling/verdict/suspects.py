"""Suspects: the lines that grow, and the stacks that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from profiling.records import SiteKey, Suspect, Verdict
from profiling.verdict.evidence import Evidence
from profiling.verdict.growth import candidates, survivors_at, swelling_at

MAX_SUSPECTS = 10
MIN_SUSPECT_SHARE = 0.05  # of what all lines together grow by


def suspects_of(evidence: Evidence) -> tuple[Suspect, ...]:
    """Return the lines that grow, the one with the highest pace first."""
    paces = [(pace, site) for site, pace in evidence.exact_lines.items()] if not evidence.lines else []
    for site, line in candidates(evidence):
        if site is None:
            continue
        growth = survivors_at(evidence, site, line.births) or swelling_at(evidence, site, line)
        if growth is not None:
            paces.append((growth.pace.bytes_per_run, site))
    accused = evidence.accusation
    if not paces and accused and accused.site:  # what was leaked is alive, though no more comes to it now
        paces.append((accused.bytes_per_run, accused.site))
    least = MIN_SUSPECT_SHARE * sum(pace for pace, _ in paces)
    ranked = sorted((pace for pace in paces if pace[0] >= least), key=lambda pace: (-pace[0], pace[1]))
    return tuple(Suspect(site=site, bytes_per_run=pace, stack=(site,)) for pace, site in ranked[:MAX_SUSPECTS])


def with_stacks(verdict: Verdict, stacks: Mapping[SiteKey, tuple[SiteKey, ...]]) -> Verdict:
    """Return the verdict with the stacks of its suspects, as far as they are known."""
    told = tuple(replace(suspect, stack=stacks.get(suspect.site, suspect.stack)) for suspect in verdict.suspects)
    return replace(verdict, suspects=told)
