"""Look articles up in an LFU cache of 600; some come back often, 12 a run are new.

needs: cachetools
Measured: 733, 734, 734, 734, 734 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import random

import cachetools

VERDICT = "stable"
FILLS_BY_RUN = 60

rng = random.Random(3)
numbers = iter(range(1_000_000))
cache: cachetools.LFUCache[int, dict[str, object]] = cachetools.LFUCache(600)


@cachetools.cached(cache)
def article(number):
    return {"number": number, "title": f"article {number}", "tags": [f"tag {tag}" for tag in range(number % 9)]}


def job():
    for number in [next(numbers) for _ in range(12)]:
        article(number)
        for _ in range(20):
            article(rng.randrange(min(number + 1, 300)))
