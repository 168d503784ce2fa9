"""Convert amounts at rates that an lru_cache of 2 000 holds; 50 new ones a run.

The cache is full after 40 runs and then evicts.

needs: nothing beside the standard library
Measured: 1 711, 1 711, 1 711, 1 711, 1 711 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import functools
import itertools

VERDICT = "stable"
FILLS_BY_RUN = 40

days = itertools.count()


@functools.lru_cache(maxsize=2_000)
def rate(currency, day):
    return {"currency": currency, "day": day, "history": [day * 0.01 + step for step in range(12)]}


def job():
    for day in itertools.islice(days, 50):
        for back in range(10):
            rate("USD", max(day - back, 0))
