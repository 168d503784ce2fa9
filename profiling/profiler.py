"""The profiler: sole owner of state. Runs are measured in `run`, kept in `history`, compared in `diff`."""

from __future__ import annotations

import itertools

from profiling import process, sampler, traces
from profiling.diff import GroupBy, compare
from profiling.history import History, RunStore, pair_to_compare
from profiling.records import Level, MemoryUsage, ProfilerStatistics, RunDiff, RunProfile, Verdict
from profiling.run import Run, Shared
from profiling.source import SourceReader, users_site
from profiling.trend import series_of, verdict


def reader_for(level: Level) -> traces.TraceReader:
    """What counts the traces of that level: by the innermost line, or where stacks are known, by the user's own."""
    return traces.TraceReader(site_of=users_site) if level is Level.STACKS else traces.TraceReader()


class Profiler:
    """Watches runs of jobs, one `run(job)` around each, and keeps what it saw in `history`.

    At level `lines` tracing goes on with the first run and stays on until `close`, because a comparison needs both
    runs in one stretch of tracing; so it is with sampling at level `samples`, one sample every `sample_bytes`.
    `limit_mb` overrules the container's own limit. With `arenas` a run begins and ends with a look into pymalloc's
    arenas, which takes 20 ms each and tells memory that Python holds free from memory that a library keeps.

    Example:
        >>> profiler = Profiler(level=Level.LINES)
        >>> with profiler.run("prices") as run:
        ...     kept = [bytes(1000) for _ in range(100)]
        >>> run.profile.lines.retained.size_bytes > 100_000
        True
        >>> profiler.close()
    """

    def __init__(
        self,
        *,
        level: Level = Level.LINES,
        limit_mb: float | None = None,
        history: RunStore | None = None,
        reader: traces.TraceReader | None = None,
        sample_bytes: float = sampler.RATE_BYTES,
        arenas: bool = False,
    ) -> None:
        self.level = level
        self.history: RunStore = history if history is not None else History()
        self.source = SourceReader()
        self._ids = itertools.count(1)
        self._finished = 0
        self._shared = Shared(
            limit=process.memory_limit(limit_mb),
            reader=reader or reader_for(level),
            tracing=traces.Tracing(level.frames or 1),
            sampling=sampler.Sampling(sample_bytes),
            arenas=arenas,
            keep=self._keep,
            next_id=lambda: next(self._ids),
        )

    def run(self, job: str) -> Run:
        """A context manager, `with` or `async with`, around one run of `job`; its `profile` is there afterwards."""
        return Run(job, self.level, self._shared)

    def usage(self) -> MemoryUsage:
        """What the process uses now, against its limit."""
        return process.usage(self._shared.limit)

    def diff(
        self,
        job: str,
        *,
        run_id: int | None = None,
        against_id: int | None = None,
        group_by: GroupBy = "line",
        limit: int = 20,
    ) -> RunDiff:
        """A job's latest run with lines against the one before it, or the two runs asked for.

        Reads source files: call it in a thread. Raises UnknownJob, UnknownRun, NotEnoughRuns or NotComparable.
        """
        run, against = pair_to_compare(self.history, job, run_id, against_id)
        return compare(run, against, self.source.places, group_by=group_by, limit=limit)

    def verdict(self, job: str) -> Verdict:
        """What the job's runs say together. Raises UnknownJob."""
        return verdict(series_of(self.history.runs(job)))

    def own_bytes(self) -> int:
        """What the profiler keeps: tracemalloc's tables and the history."""
        return traces.own_tables_bytes() + sampler.own_tables_bytes() + self.history.own_bytes()

    def statistics(self) -> ProfilerStatistics:
        """What it is doing and what it keeps."""
        return ProfilerStatistics(
            level=self.level,
            tracing=traces.is_tracing(),
            active_jobs=tuple(sorted(run.job for run in self._shared.active)),
            runs=self._finished,
            history_runs=len(self.history.runs()),
            history_bytes=self.history.own_bytes(),
            tracemalloc_bytes=traces.own_tables_bytes(),
        )

    def close(self) -> None:
        """Switch tracing off, if this profiler switched it on. At a quiet point: no run, no worker thread at work."""
        self._shared.tracing.close()
        self._shared.sampling.close()

    def _keep(self, profile: RunProfile) -> None:
        self._finished += 1
        self.history.add(profile)
