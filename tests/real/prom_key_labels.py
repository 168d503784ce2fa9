"""Count requests by API key.

Each new key makes a child of the histogram, with all its buckets; none is ever removed.
Report: https://github.com/BerriAI/litellm/issues/12159

needs: prometheus-client
Measured: 19 552 B a run alone, 19 374 in company.
"""

import itertools

from prometheus_client import CollectorRegistry, Histogram

VERDICT = "leaking"
BYTES_PER_RUN = 19_600

keys = itertools.count()
text = "why does the memory of the service grow " * 10
latency = Histogram("latency_seconds", "time to answer", ["model", "key"], registry=CollectorRegistry())


def job():
    for key in itertools.islice(keys, 5):
        for _ in range(20):
            prompt = " ".join(sorted(text.split()))
        latency.labels("large", f"key-{key}").observe(len(prompt) / 1_000)  # <- retained here
