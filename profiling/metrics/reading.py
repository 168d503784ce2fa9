"""The figures of a profiler at one moment, read in some milliseconds. Call this in a thread."""

from __future__ import annotations

import time
from collections.abc import Sequence

from profiling.errors import SamplerUnavailable
from profiling.metrics.families import Figures
from profiling.process import cgroup
from profiling.profiler import Profiler
from profiling.records import OwnerKind, ScopeSummary
from profiling.records.timeline import Span


def read(profiler: Profiler) -> Figures:
    """Return the figures; without samples, what jobs and scopes hold is left out."""
    return Figures(
        at_s=time.time(),
        usage=profiler.usage(),
        container_bytes=cgroup.memory_usage_bytes(),
        parts=profiler.timeline(Span.TEN_MINUTES).last_parts,
        owners=_owners(profiler),
        tallies=profiler.tallies(),
        statistics=profiler.statistics(),
        overhead_bytes=profiler.overhead_bytes(),
    )


def _owners(profiler: Profiler) -> Sequence[ScopeSummary]:
    try:
        return profiler.scopes()
    except SamplerUnavailable:
        return [_without_samples(profiler, job) for job in profiler.history.jobs()]


def _without_samples(profiler: Profiler, job: str) -> ScopeSummary:
    verdict = profiler.last_verdict(job)
    return ScopeSummary(
        name=job,
        kind=OwnerKind.JOB,
        calls=0,
        active=0,
        live_bytes=0,
        error_bytes=0.0,
        live_blocks=0,
        allocated_bytes_per_call=None,
        bytes_per_call=None,
        bytes_per_hour=None,
        verdict=verdict,
    )
