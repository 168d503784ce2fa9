"""Record a histogram with the user's id among its attributes.

Each set of attributes is a series that the SDK holds for good.
Report: https://github.com/vectorize-io/hindsight/issues/850

needs: opentelemetry-sdk
Measured: 19 871 B a run alone, 19 728 in company.
"""

import itertools
import json

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

VERDICT = "leaking"
BYTES_PER_RUN = 19_900

users = itertools.count()
memories = json.dumps([f"memory {number}" for number in range(50)])
meter = MeterProvider(metric_readers=[InMemoryMetricReader()]).get_meter("operations")
duration = meter.create_histogram("operation.duration")


def job():
    for user in itertools.islice(users, 15):
        for _ in range(20):
            reply = json.loads(memories)
        duration.record(len(reply), {"operation": "recall", "bank_id": f"user-{user}"})  # <- retained here
