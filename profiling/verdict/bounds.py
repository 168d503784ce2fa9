"""Bounds that were read: lines whose survivors fill up a store that knows its own limit.

Such a line is not accused while its store fills. A store whose items do not become more from look to look does not
fill: that it holds what grows is chance. When a store has filled up, what is alive at the line has to stop growing
within a number of looks. A store that was full at the first look is never excused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from profiling.records import Bound, SiteKey

GOOD_FOR_RUNS = 12  # a look
LOOKS_WHEN_FULL = 2  # more, at which a store that has filled up is excused: by then no total shows its growth any more
MAX_FILLING_RUNS = 1_000  # that a store may take to fill up, unless it is small when it is full
SMALL_BYTES = 64 << 20
MAX_AWAITED = 12  # looks, after which an accusation goes without
MAX_OVER = 2  # times its limit: some stores are trimmed only when they are well above that


@dataclass(frozen=True, slots=True)
class Reading:
    """What the last look at a job's stores has shown."""

    birth: int  # of the last run by then; 0: nobody has looked
    bounds: Mapping[SiteKey, Bound] = field(default_factory=dict)  # by line
    excused: Mapping[SiteKey, int] = field(default_factory=dict)  # lines, each with how many looks it may be full
    awaited: int = 0  # looks that were due and could not be had, since the last one

    @property
    def is_awaited(self) -> bool:
        """Return whether a look is due and may soon be had: nothing is accused before."""
        return 0 < self.awaited <= MAX_AWAITED

    def is_due(self, ended: Sequence[int]) -> bool:
        """Return whether it is time to look again, after these runs."""
        return sum(birth > self.birth for birth in ended) >= GOOD_FOR_RUNS

    def filling_at(self, site: SiteKey | None) -> Bound | None:
        """Return the bound of the store that fills up at a line, or has just done so; None if there is none."""
        return self.bounds.get(site) if site in self.excused and site else None


NOTHING_READ = Reading(0)


def reading_after(before: Reading, birth: int, bounds: Mapping[SiteKey, Bound]) -> Reading:
    """Return the reading of these bounds, with what the one before says of them."""
    looks = {site: _looks_left(before, site, bound) for site, bound in bounds.items()}
    return Reading(birth, bounds, {site: left for site, left in looks.items() if left is not None})


def _looks_left(before: Reading, site: SiteKey, now: Bound) -> int | None:
    """Return at how many more looks the store may be full, or None if it is not excused at this one."""
    earlier, left = before.bounds.get(site), before.excused.get(site, 0)
    if now.items > MAX_OVER * now.max_items:
        return None
    if earlier is None:
        return None if now.is_full else LOOKS_WHEN_FULL
    if now.items > earlier.items and (site in before.excused or not earlier.is_full):
        return LOOKS_WHEN_FULL
    return left - 1 if now.is_full and left else None
