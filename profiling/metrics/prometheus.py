"""The figures for Prometheus, by the package prometheus-client.

from prometheus_client import REGISTRY
from profiling.metrics.prometheus import Collector

REGISTRY.register(Collector(profiler))
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector as BaseCollector

from profiling.metrics.families import Family, Figures, Kind, Sample, families
from profiling.metrics.reading import read
from profiling.profiler import Profiler
from profiling.records import State


class Collector(BaseCollector):
    """Collects the figures of a profiler when a registry is scraped."""

    def __init__(self, profiler: Profiler) -> None:
        self._profiler = profiler

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        return metrics(read(self._profiler))

    def describe(self) -> list[Metric]:
        """Return nothing, so that a registry does not read the figures when this is registered."""
        return []


def metrics(figures: Figures) -> Iterator[Metric]:
    """Yield the figures as metrics of prometheus-client."""
    for family in families(figures):
        if family.samples:
            yield _metric(family)


def exposition(profiler: Profiler, accept: str) -> tuple[bytes, str]:
    """Return the answer to a scraper and its media type: OpenMetrics with exemplars if it accepts that, else text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(profiler))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


def _metric(family: Family) -> Metric:
    names = list(family.samples[0].labels)
    if family.kind is Kind.GAUGE:
        gauge = GaugeMetricFamily(family.name, family.help, labels=names)
        for sample in family.samples:
            gauge.add_metric(list(sample.labels.values()), float(sample.value))
        return gauge
    if family.kind is Kind.COUNTER:
        counter = CounterMetricFamily(family.name, family.help, labels=names)
        for sample in family.samples:
            counter.add_metric(list(sample.labels.values()), float(sample.value), exemplar=_exemplar(sample))
        return counter
    states = StateSetMetricFamily(family.name, family.help, labels=names)
    for sample in family.samples:
        states.add_metric(list(sample.labels.values()), {state.value: state is sample.value for state in State})
    return states


def _exemplar(sample: Sample) -> Exemplar | None:
    return None if sample.run is None else Exemplar({"run": str(sample.run)}, 1.0, sample.at_s)
