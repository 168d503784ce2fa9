"""Cache answers for a twentieth of a second.

What is held follows how often the job runs: 50 runs' worth when runs follow each other closely, one when they do not.

needs: cachetools
Measured: 1 031, 1 490, 934, 1 323, 1 025 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools

import cachetools

VERDICT = "stable"
FILLS_BY_RUN = 60

questions = itertools.count()
cache: cachetools.TTLCache[int, list[str]] = cachetools.TTLCache(maxsize=100_000, ttl=0.05)


@cachetools.cached(cache)
def answer(question):
    return [f"line {line} of answer {question}" for line in range(40)]


def job():
    for question in itertools.islice(questions, 20):
        answer(question)
        answer(max(question - 5, 0))
    cache.expire()
