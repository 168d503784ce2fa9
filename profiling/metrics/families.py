"""The figures as families of metrics, with a bounded number of labels: a pure function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from profiling.records import MemoryUsage, Outcome, Outlook, ProfilerStatistics, ScopeSummary, State
from profiling.records.timeline import Parts
from profiling.tallies import Tally

MAX_OWNERS = 50  # jobs and scopes with labels; what the others hold is one figure
OTHERS = "(others)"


class Kind(StrEnum):
    """The kind of a metric."""

    GAUGE = "gauge"
    COUNTER = "counter"
    STATES = "stateset"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric; of a state set the value is the current state."""

    labels: Mapping[str, str]
    value: float | State
    run: int | None = None  # the last run that was counted, for an exemplar
    at_s: float | None = None  # when that run ended, since the epoch


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all its values. The names follow Prometheus: base units, and `_total` is added to a counter."""

    name: str
    help: str
    kind: Kind
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the profiler knows at one moment."""

    at_s: float  # since the epoch
    usage: MemoryUsage
    container_bytes: int | None  # memory of the container; None if there is none
    parts: Parts
    owners: Sequence[ScopeSummary]
    tallies: Mapping[str, Tally]  # by job
    statistics: ProfilerStatistics
    overhead_bytes: int


def families(figures: Figures) -> Iterator[Family]:
    """Yield the metrics of these figures, always the same ones; one that is not known now has no samples."""
    yield _gauge("memory_rss_bytes", "Resident memory of the process.", figures.usage.rss_bytes)
    yield _gauge("memory_limit_bytes", "Memory limit of the process.", figures.usage.limit.limit_bytes)
    yield _gauge("container_memory_bytes", "Memory of the container, with its page cache.", figures.container_bytes)
    yield _parts(figures)
    yield from _of_owners(figures)
    yield from _of_runs(figures.tallies)
    yield from _of_the_profiler(figures)


def _gauge(name: str, told: str, value: float | None) -> Family:
    return Family(f"profiling_{name}", told, Kind.GAUGE, [] if value is None else [Sample({}, value)])


def _parts(figures: Figures) -> Family:
    known = {
        "python": figures.parts.python_bytes,
        "c_heap": figures.parts.c_heap_bytes,
        "free": figures.parts.free_bytes,
    }
    sizes = {part: size_bytes for part, size_bytes in known.items() if size_bytes is not None}
    sizes["rest"] = max(0, figures.usage.rss_bytes - sum(sizes.values()))
    told = "What the resident memory consists of, as read at most ten seconds ago."
    samples = [Sample({"part": part}, size_bytes) for part, size_bytes in sizes.items()]
    return Family("profiling_memory_part_bytes", told, Kind.GAUGE, samples)


def _of_owners(figures: Figures) -> Iterator[Family]:
    ranked = sorted(figures.owners, key=lambda owner: (not _is_accused(owner), -owner.live_bytes))
    listed, others = ranked[:MAX_OWNERS], ranked[MAX_OWNERS:]
    held = [Sample(_labels(owner), owner.live_bytes) for owner in listed]
    if others:
        held.append(Sample({"owner": OTHERS, "kind": "others"}, sum(owner.live_bytes for owner in others)))
    yield Family("profiling_held_bytes", "Estimated live memory that a job or scope holds.", Kind.GAUGE, held)
    growth = [Sample(_labels(each), each.bytes_per_hour) for each in listed if each.bytes_per_hour is not None]
    yield Family("profiling_growth_bytes_per_hour", "Growth by the last verdict.", Kind.GAUGE, growth)
    states = [Sample(_labels(each), each.verdict.state) for each in listed if each.verdict is not None]
    yield Family("profiling_verdict", "The last verdict on a job or scope.", Kind.STATES, states)
    full = [Sample(_labels(each), left_s) for each in listed if (left_s := _left_s(each, figures.at_s)) is not None]
    yield Family("profiling_full_seconds", "Seconds until the memory is full, by the forecast.", Kind.GAUGE, full)


def _is_accused(owner: ScopeSummary) -> bool:
    return owner.verdict is not None and owner.verdict.state.is_accusation


def _left_s(owner: ScopeSummary, now_s: float) -> float | None:
    forecast = owner.verdict.forecast if owner.verdict else None
    if forecast is None or forecast.outlook is not Outlook.FULL or forecast.full_at is None:
        return None
    return max(0.0, forecast.full_at.timestamp() - now_s)


def _labels(owner: ScopeSummary) -> Mapping[str, str]:
    return {"owner": owner.name, "kind": owner.kind.value}


def _of_runs(tallies: Mapping[str, Tally]) -> Iterator[Family]:
    runs = [
        Sample({"job": job, "outcome": outcome.value}, tally.runs[outcome], tally.last_run, tally.last_at_s)
        for job, tally in tallies.items()
        for outcome in Outcome
    ]
    yield Family("profiling_runs", "Runs that have ended.", Kind.COUNTER, runs)
    seconds = [Sample({"job": job}, tally.duration_s) for job, tally in tallies.items()]
    yield Family("profiling_run_seconds", "Duration of all runs that have ended.", Kind.COUNTER, seconds)


def _of_the_profiler(figures: Figures) -> Iterator[Family]:
    yield _gauge("overhead_bytes", "Memory of the profiler itself.", figures.overhead_bytes)
    cost_s = sum(tally.cost_s for tally in figures.tallies.values())
    told = "Time that measuring runs has taken."
    yield Family("profiling_overhead_seconds", told, Kind.COUNTER, [Sample({}, cost_s)])
    sampler = figures.statistics.sampler
    interval_bytes = sampler.bytes_per_sample if sampler else None
    yield _gauge("sample_interval_bytes", "Mean number of bytes per sample.", interval_bytes)
    yield _gauge("samples_alive", "Samples of live memory.", sampler.alive if sampler else None)
    taken = [Sample({}, sampler.taken)] if sampler else []
    yield Family("profiling_samples_taken", "Samples taken since sampling began.", Kind.COUNTER, taken)
