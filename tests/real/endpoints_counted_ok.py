"""Count requests by endpoint and status; 400 pairs are all there are, and a run sees some of them.

needs: prometheus-client
Measured: 4 306, 4 344, 4 344, 4 344, 4 344 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import random

from prometheus_client import CollectorRegistry, Histogram

VERDICT = "stable"
FILLS_BY_RUN = 90

rng = random.Random(8)
latency = Histogram("latency_seconds", "time to answer", ["endpoint", "status"], registry=CollectorRegistry())


def job():
    for _ in range(25):
        latency.labels(f"/endpoint/{rng.randrange(100)}", rng.choice(["200", "304", "404", "500"])).observe(0.1)
