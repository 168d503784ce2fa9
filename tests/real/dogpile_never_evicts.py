"""Cache search results for a minute in dogpile's memory backend.

`expiration_time` tells when a value is stale; the backend never removes one, and each search has a key of its own.

needs: dogpile.cache
Measured: 157 024 B a run alone, 156 579 in company.
"""

import itertools

from dogpile.cache import make_region

VERDICT = "leaking"
BYTES_PER_RUN = 157_000

region = make_region().configure("dogpile.cache.memory", expiration_time=60)
searches = itertools.count()


@region.cache_on_arguments()
def find(text):
    return [{"title": f"{text}, hit {number}", "rank": number} for number in range(200)]  # <- retained here


def job():
    for _ in range(3):
        find(f"search {next(searches)}")
