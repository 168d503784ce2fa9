"""The figures for OpenTelemetry, by the package opentelemetry-api: instruments, and an event on the span of a run.

from profiling.metrics.otel import instrument

instrument(profiler)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from profiling.compare.diff import largest
from profiling.metrics.families import Family, Kind, Sample, families
from profiling.metrics.reading import read
from profiling.profiler import Profiler
from profiling.records import RunProfile, State, Verdict
from profiling.source import short_path

SCOPE = "profiling"
EVENT = "profiling.run"
KEPT_S = 1.0  # in which all instruments tell figures of one reading
# By the end of a name for Prometheus: what is there instead, and the unit.
ENDS = {"_bytes_per_hour": ("", "By/h"), "_bytes": ("", "By"), "_seconds": ("_time", "s")}

Callback = Callable[[CallbackOptions], Iterable[Observation]]


def instrument(profiler: Profiler, meter_provider: MeterProvider | None = None, *, span_events: bool = True) -> None:
    """Tell the figures of a profiler by OpenTelemetry from now on. Call this once for each profiler.

    Args:
        profiler: The profiler, which the instruments keep alive.
        meter_provider: Makes the instruments; by default the global one.
        span_events: Whether the end of each run is an event of the span that is current there, if there is one.
    """
    meter = (meter_provider or metrics.get_meter_provider()).get_meter(SCOPE)
    readings = _Readings(profiler)
    for family in readings.current().values():
        name, unit = name_and_unit(family.name)
        is_counter = family.kind is Kind.COUNTER
        create = meter.create_observable_counter if is_counter else meter.create_observable_gauge
        create(name, [readings.callback(family.name)], unit, family.help)
    if span_events:
        profiler.on_run(add_event)


class _Readings:
    """Reads the figures once for all instruments, because each instrument is asked on its own."""

    def __init__(self, profiler: Profiler, clock: Callable[[], float] = time.monotonic) -> None:
        self._profiler = profiler
        self._clock = clock
        self._last: tuple[float, Mapping[str, Family]] | None = None

    def current(self) -> Mapping[str, Family]:
        """Return the families by name, at most KEPT_S old."""
        last = self._last
        if last is None or self._clock() - last[0] > KEPT_S:
            self._last = last = self._clock(), {family.name: family for family in families(read(self._profiler))}
        return last[1]

    def callback(self, name: str) -> Callback:
        """Return what an instrument calls to observe a family."""

        def observe(_: CallbackOptions) -> Iterator[Observation]:
            return observations(self.current()[name].samples)

        return observe


def observations(samples: Sequence[Sample]) -> Iterator[Observation]:
    """Yield an observation for each sample; for each state of a state set one, which is 1 for the current state."""
    for sample in samples:
        if isinstance(sample.value, State):
            for state in State:
                yield Observation(int(state is sample.value), {**sample.labels, "state": state.value})
        else:
            yield Observation(sample.value, dict(sample.labels))


def name_and_unit(name: str) -> tuple[str, str]:
    """Return the name and the unit of an instrument; here a name does not have the unit in it."""
    dotted = name.replace("profiling_", "profiling.", 1)
    for end, (instead, unit) in ENDS.items():
        if dotted.endswith(end):
            return dotted.removesuffix(end) + instead, unit
    return dotted, "1"


def add_event(run: RunProfile, verdict: Verdict | None) -> None:
    """Add an event to the current span, if it is recorded."""
    span = trace.get_current_span()
    if span.is_recording():
        span.add_event(EVENT, dict(attributes_of(run, verdict)))


def attributes_of(run: RunProfile, verdict: Verdict | None) -> Iterator[tuple[str, str | int | float]]:
    """Yield the attributes of the event: those that are known."""
    yield "profiling.job", run.job
    yield "profiling.run", run.id
    yield "profiling.level", run.level.value
    yield "profiling.outcome", run.outcome.value
    yield "profiling.duration_s", run.duration_s
    yield "profiling.rss_bytes", run.after.rss_bytes
    yield "profiling.rss_diff_bytes", run.rss_diff_bytes
    if run.peak_rss_bytes is not None:
        yield "profiling.peak_rss_bytes", run.peak_rss_bytes
    if run.retained_bytes is not None:
        yield "profiling.retained_bytes", run.retained_bytes
    if run.best_lines is not None:
        for (file, line), size_bytes, _ in largest(run.best_lines.retained, 1):
            yield "profiling.line", f"{short_path(file)}:{line}"
            yield "profiling.line_bytes", size_bytes
    if verdict is not None:
        yield "profiling.verdict", verdict.state.value
