"""The readings in Prometheus's text format. Read at the moment of asking, so no process has counters of its own."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from .registry import HELP, PREFIX, Reading, take

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class ReadingsCollector:
    """What Prometheus's library asks for the values."""

    def collect(self) -> Iterator[Metric]:
        """One gauge for each name, with all its labels."""
        by_name: dict[str, list[Reading]] = {}
        for reading in take():
            by_name.setdefault(reading.name, []).append(reading)
        for name, readings in sorted(by_name.items()):
            family = GaugeMetricFamily(PREFIX + name, HELP[name], labels=list(readings[0].labels))
            for reading in readings:
                family.add_metric(list(reading.labels.values()), reading.value)
            yield family

    def describe(self) -> list[Metric]:
        """Nothing beforehand: what there is to read depends on what answers."""
        return []


def exposed() -> bytes:
    """All readings of this moment in text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ReadingsCollector())
    return generate_latest(registry)
