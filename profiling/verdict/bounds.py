"""Bounds of stores: a line is not accused while its survivors fill a store that knows its own limit.

- A store counts as filling up only if it has more items at each look. Otherwise it holds the growing memory by chance.
- After a store has filled up, what is alive at the line must stop growing within a number of looks.
- A store that was full at the first look never excuses a line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from profiling.records import Bound, SiteKey

GOOD_FOR_RUNS = 12  # runs until the next look
# looks that a full store still excuses a line; after that no total shows the earlier growth any more
LOOKS_WHEN_FULL = 2
MAX_FILLING_RUNS = 1_000  # longest time for filling up, unless the full store is small
SMALL_BYTES = 64 << 20
MAX_AWAITED = 12  # looks; after so many, a job is accused without a look
MAX_OVER = 2  # times its limit, because some stores are trimmed only when they are well above it


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of the last look at a job's stores."""

    birth: int  # of the last run at the time of the look; 0 if there was no look
    bounds: Mapping[SiteKey, Bound] = field(default_factory=dict)  # by line
    # lines with a full store, and for how many more looks each is excused
    excused: Mapping[SiteKey, int] = field(default_factory=dict)
    awaited: int = 0  # looks that were due since the last one but could not be made

    @property
    def is_awaited(self) -> bool:
        """Return whether a look is due and can be made soon, so that nothing should be accused before."""
        return 0 < self.awaited <= MAX_AWAITED

    def is_due(self, ended: Sequence[int]) -> bool:
        """Return whether a new look is due after these runs."""
        return sum(birth > self.birth for birth in ended) >= GOOD_FOR_RUNS

    def filling_at(self, site: SiteKey | None) -> Bound | None:
        """Return the bound of the store that is filling up, or has just filled up, at a line; None if there is none."""
        return self.bounds.get(site) if site in self.excused and site else None


NOTHING_READ = Reading(0)


def reading_after(before: Reading, birth: int, bounds: Mapping[SiteKey, Bound]) -> Reading:
    """Return the reading of these bounds, in the light of the reading before."""
    looks = {site: _looks_left(before, site, bound) for site, bound in bounds.items()}
    return Reading(birth, bounds, {site: left for site, left in looks.items() if left is not None})


def _looks_left(before: Reading, site: SiteKey, now: Bound) -> int | None:
    """Return for how many more looks the full store is excused, or None if it is not excused."""
    earlier, left = before.bounds.get(site), before.excused.get(site, 0)
    if now.items > MAX_OVER * now.max_items:
        return None
    if earlier is None:
        return None if now.is_full else LOOKS_WHEN_FULL
    if now.items > earlier.items and (site in before.excused or not earlier.is_full):
        return LOOKS_WHEN_FULL
    return left - 1 if now.is_full and left else None
