"""The current state of the process: all scopes and jobs with the memory they hold, and the live memory by line."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from profiling.errors import IntervalBroken, SamplerUnavailable, UnknownJob, UnknownScope
from profiling.judging import Judging
from profiling.live import LiveGroup, LiveOrder, PlacesOf, live_memory, owners, summaries
from profiling.process import usage
from profiling.records import LiveMemory, RunProfile, ScopeSummary
from profiling.run import Shared
from profiling.samples import sampler
from profiling.samples.estimates import SampleTable

if TYPE_CHECKING:
    from profiling.records.stack_profile import StackProfile


class Overview:
    """The current state as one profiler sees it.

    Args:
        shared: What all runs of the profiler share.
        labels: The labels of the scopes, by name.
        judging: The judge, which has the last verdicts.
        names: Returns the names of all scopes and jobs.
        runs_of: Returns the runs of a job, or the windows of a scope, oldest first. Raises UnknownJob.
        places_of: Finds the short name and the text of source lines.
    """

    def __init__(
        self,
        shared: Shared,
        labels: Mapping[str, sampler.Label],
        judging: Judging,
        names: Callable[[], Sequence[str]],
        runs_of: Callable[[str], Sequence[RunProfile]],
        places_of: PlacesOf,
    ) -> None:
        self._shared = shared
        self._labels = labels
        self._judging = judging
        self._names = names
        self._runs_of = runs_of
        self._places_of = places_of

    def scopes(self, scope: str | None = None) -> list[ScopeSummary]:
        """Return a summary of each scope and job, the fastest growing one first, or only of the one with this name.

        Raises SamplerUnavailable and UnknownScope.
        """
        active = [run.job for run in tuple(self._shared.active)]
        runs = {name: self._known_runs(name) for name in self._chosen(scope)}
        return summaries(live_samples(scope), owners(runs, self._labels, active, self._judging.cases))

    def live(self, scope: str | None, group_by: LiveGroup, order: LiveOrder, limit: int) -> LiveMemory:
        """Return the live memory of the process, or of one scope or job. Raises SamplerUnavailable and UnknownScope."""
        self._chosen(scope)
        samples, volumes = live_samples(scope), self._shared.sampling.volumes
        volumes.update()
        return live_memory(
            samples,
            self._places_of,
            usage.memory_usage(self._shared.limit).rss_bytes,
            volumes=volumes.lines(scope),
            elsewhere_bytes=volumes.elsewhere_bytes,
            group_by=group_by,
            order=order,
            limit=limit,
        )

    def stack_profile(self, *, all_frames: bool) -> StackProfile:
        """Return the live memory by stack, and what was allocated so far by line. Raises SamplerUnavailable."""
        from profiling.stack_profile import StackSums  # nobody needs it before somebody asks

        sums, volumes, table = StackSums(all_frames=all_frames), self._shared.sampling.volumes, live_samples()
        volumes.update()
        sums.add_live(table)
        sums.add_lines(volumes.lines(), volumes.elsewhere_bytes)
        return sums.profile(self._labels, table.bytes_per_sample, time.time())

    async def stack_profile_over(
        self, seconds: float, wait: Callable[[float], Awaitable[object]], *, collect: bool, all_frames: bool
    ) -> StackProfile:
        """Return the change by stack until `wait(seconds)` returns, and what was allocated meanwhile.

        Raises SamplerUnavailable, and IntervalBroken if sampling was stopped meanwhile.
        """
        from profiling.stack_profile import StackSums

        sums, session, began_s = StackSums(all_frames=all_frames), sampler.current_session(), time.perf_counter()

        def add(sign: float) -> SampleTable:
            if collect:
                gc.collect()
            table = live_samples()
            sums.add_live(table, sign)
            return table

        await asyncio.to_thread(add, -1.0)
        with self._shared.sampling.volumes.followed(sums.add_allocated):
            await wait(seconds)
        if sampler.current_session() != session:
            raise IntervalBroken
        table = await asyncio.to_thread(add, 1.0)
        return sums.profile(self._labels, table.bytes_per_sample, time.time(), seconds=time.perf_counter() - began_s)

    def _chosen(self, scope: str | None) -> Sequence[str]:
        """Return the names of all scopes and jobs, or only the given one. Raises UnknownScope."""
        names = self._names()
        if scope is not None and scope not in names:
            raise UnknownScope(scope, names)
        return names if scope is None else [scope]

    def _known_runs(self, name: str) -> Sequence[RunProfile]:
        try:
            return self._runs_of(name)
        except UnknownJob:  # none of its windows has ended yet
            return ()


def live_samples(scope: str | None = None) -> SampleTable:
    """Return what is alive now, of the process or of one scope or job. Raises SamplerUnavailable."""
    if not sampler.is_on():
        raise SamplerUnavailable(sampler.why_not_now() or "no samples are taken yet: call start_watching()")
    return sampler.snapshot(scope)
