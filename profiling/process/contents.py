"""What the largest stores hold of each job's lines: looked into one after the other, and remembered for some runs.

To look into a store takes up to 6 ms, and several jobs that grow are looked at in the same moment. So a look into a
store counts for all jobs, and a call that has taken its time leaves the other stores to the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from profiling.process.stores import Holder
from profiling.records import Bound, SiteKey
from profiling.samples import sampler
from profiling.samples.estimates import HeldLine, lines_of_jobs
from profiling.verdict.evidence import LineEvidence

MAX_WALKS_S = 0.01  # of CPU time in one call; after that no further store is looked into
MIN_SHARE = 0.75  # a store explains a line if it holds at least this share of what is alive there


@dataclass(frozen=True, slots=True)
class Content:
    """What a store held when it was looked into."""

    birth: int  # of the latest run at that time
    bound: Bound
    items: int
    share: float  # of the items that were visited
    lines: Mapping[tuple[str | None, SiteKey], HeldLine]  # by job and line


class Contents:
    """The contents of stores. A store is known by the identity of its items' container, and only for some runs."""

    def __init__(self, cpu_clock: Callable[[], float] = time.thread_time) -> None:
        self._cpu_clock = cpu_clock
        self._by_store: dict[int, Content] = {}

    def look_into(self, holders: Sequence[Holder], *, since: int, now: int) -> tuple[list[Content], bool]:
        """Return the contents of the stores, in their order, and whether time was left for all of them.

        Args:
            holders: The stores.
            since: Contents that were noted before the run of this birth are looked at anew.
            now: The birth of the latest run.
        """
        began_s, contents = self._cpu_clock(), dict[int, Content]()
        for holder in holders:
            place = id(holder.roots[0])
            known = self._by_store.get(place)
            if known is not None and known.birth >= since and known.bound.kind == holder.bound.kind:
                contents[place] = known
            elif self._cpu_clock() - began_s <= MAX_WALKS_S:
                table = sampler.births(held_by=holder.roots)
                contents[place] = Content(now, holder.bound, holder.items, table.share, lines_of_jobs(table))
        self._by_store = contents
        return list(contents.values()), len(contents) == len({id(holder.roots[0]) for holder in holders})


def bounds_at(job: str, lines: Mapping[SiteKey, LineEvidence], contents: Sequence[Content]) -> Mapping[SiteKey, Bound]:
    """Return for each line of the job the bound of the first store that holds most of what is alive there.

    What was allocated after the look into the store is left out. A store that fills up has at least one item of each
    run that left something in it.
    """
    bounds = dict[SiteKey, Bound]()
    for content in contents:
        for site, line in lines.items():
            held = content.lines.get((job, site))
            then_bytes = sum(alive.size_bytes for birth, alive in line.births.items() if birth <= content.birth)
            least_bytes = MIN_SHARE * content.share * then_bytes
            if held is not None and held.size_bytes >= least_bytes > 0 and held.births <= content.items:
                bounds.setdefault(site, content.bound)
    return bounds
