"""Look quotes up in a cache of 1 500 that drops one at random; 60 a run are new.

needs: cachetools
Measured: 1 179, 1 181, 1 181, 1 182, 1 182 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools

import cachetools

VERDICT = "stable"
FILLS_BY_RUN = 25

numbers = itertools.count()
cache: cachetools.RRCache[int, dict[str, object]] = cachetools.RRCache(1_500)


@cachetools.cached(cache)
def quote(number):
    return {"number": number, "bid": number * 0.99, "ask": number * 1.01, "source": f"source {number}"}


def job():
    for number in itertools.islice(numbers, 60):
        quote(number)
