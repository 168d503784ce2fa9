"""What OpenTelemetry is told, read by its own SDK: the values are ours, and a run is an event of the span around it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from profiling import Level, Profiler
from profiling.metrics.families import families
from profiling.metrics.otel import EVENT, KEPT_S, _Readings, instrument, name_and_unit
from profiling.metrics.reading import read
from tests.integration.exports import leaking

Values = Mapping[tuple[str, frozenset[tuple[str, Any]]], float]


class Sdk:
    """An SDK that keeps in memory what it is told."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.spans = InMemorySpanExporter()
        traces = TracerProvider(shutdown_on_exit=False)
        traces.add_span_processor(SimpleSpanProcessor(self.spans))
        self.tracer = traces.get_tracer("tests")

    def metrics(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def values(self) -> Values:
        return {
            (name, frozenset((point.attributes or {}).items())): point.value
            for name, metric in self.metrics().items()
            for point in metric.data.data_points
        }


@pytest.fixture
def sdk() -> Sdk:
    return Sdk()


def key(name: str, **attributes: str) -> tuple[str, frozenset[tuple[str, Any]]]:
    return name, frozenset(attributes.items())


def test_values_are_those_of_the_profiler(sdk: Sdk, profiler: Profiler) -> None:
    leaking.leak(profiler)
    instrument(profiler, sdk.meters)
    values = sdk.values()
    assert values[key("profiling.memory_limit")] == 512 << 20
    assert values[key("profiling.runs", job="sync", outcome="completed")] == 20
    held = {scope.name: scope.live_bytes for scope in profiler.scopes()}
    assert values[key("profiling.held", owner="sync", kind="job")] == held["sync"]
    assert values[key("profiling.memory_rss")] == pytest.approx(profiler.usage().rss_bytes, rel=0.2)
    states = [value for (name, of), value in values.items() if name == "profiling.verdict" and ("owner", "sync") in of]
    assert sorted(states) == [0, 0, 0, 0, 1]


def test_instruments_are_made_before_there_is_anything_to_tell(sdk: Sdk) -> None:
    profiler = Profiler(level=Level.SAMPLES, limit_mb=512)
    instrument(profiler, sdk.meters)
    assert "profiling.runs" not in sdk.metrics()
    with profiler.run("later"):
        pass
    readings = _Readings(profiler)
    assert "profiling_runs" in readings.current()
    profiler.close()


def test_readings_are_shared_for_a_second(profiler: Profiler) -> None:
    now_s = [100.0]
    readings = _Readings(profiler, clock=lambda: now_s[0])
    first = readings.current()
    now_s[0] += KEPT_S
    assert readings.current() is first
    now_s[0] += 0.1
    assert readings.current() is not first


def test_kinds_and_units_are_told(sdk: Sdk, profiler: Profiler) -> None:
    leaking.leak(profiler, 2)
    instrument(profiler, sdk.meters)
    metrics = sdk.metrics()
    assert (metrics["profiling.memory_rss"].unit, metrics["profiling.run_time"].unit) == ("By", "s")
    assert metrics["profiling.runs"].data.is_monotonic
    assert not hasattr(metrics["profiling.held"].data, "is_monotonic")


def test_each_name_is_that_of_prometheus_without_its_unit(profiler: Profiler) -> None:
    names = [family.name for family in families(read(profiler))]
    told = dict(map(name_and_unit, names))
    assert len(told) == len(names)
    assert not [name for name in told if name.endswith(("bytes", "seconds", "hour"))]
    assert told["profiling.growth"] == "By/h"
    assert told["profiling.overhead"] == "By"
    assert told["profiling.overhead_time"] == "s"
    assert told["profiling.runs"] == "1"


def test_end_of_a_run_is_an_event_of_the_span_around_it(sdk: Sdk, profiler: Profiler) -> None:
    instrument(profiler, sdk.meters)
    with sdk.tracer.start_as_current_span("job"), profiler.run("sync"):
        leaking.kept.append(leaking.blocks(200))
    (span,) = sdk.spans.get_finished_spans()
    (event,) = span.events
    assert event.name == EVENT
    told = dict(event.attributes or {})
    assert (told["profiling.job"], told["profiling.outcome"]) == ("sync", "completed")
    assert re.fullmatch(r"\S*exports/leaking\.py:\d+", str(told["profiling.line"]))
    assert 0.8 < float(str(told["profiling.line_bytes"])) / (200 * 9_000) < 1.2
    assert told["profiling.run"] == profiler.runs("sync")[-1].id


def test_run_without_a_span_and_a_run_without_events_go_on(sdk: Sdk, profiler: Profiler) -> None:
    instrument(profiler, sdk.meters, span_events=False)
    with sdk.tracer.start_as_current_span("job"), profiler.run("sync"):
        pass
    instrument(profiler, MeterProvider(shutdown_on_exit=False))
    with profiler.run("sync"):
        pass
    (span,) = sdk.spans.get_finished_spans()
    assert span.events == ()


def test_failing_listener_is_logged_and_the_run_ends(profiler: Profiler, caplog: pytest.LogCaptureFixture) -> None:
    seen = []

    def fails(*_: object) -> None:
        raise ValueError("no listener")

    profiler.on_run(fails)
    profiler.on_run(lambda run, verdict: seen.append((run.job, verdict)))
    with profiler.run("sync"):
        pass
    assert [job for job, _ in seen] == ["sync"]
    assert "a listener of the runs failed" in caplog.text
    assert "no listener" in caplog.text


def test_nothing_of_it_is_imported_before_somebody_asks() -> None:
    code = (
        "import sys, profiling.web, profiling.serve, profiling.metrics\n"
        "print([name for name in ('opentelemetry', 'profiling.metrics.otel') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "[]\n"
