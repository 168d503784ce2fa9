"""Price options by objects whose method is cached; the 128 last objects stay, of 20 KB each.

needs: nothing beside the standard library
Measured: 2 075, 2 076, 2 076, 2 076, 2 076 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import functools
import itertools

VERDICT = "stable"
FILLS_BY_RUN = 32

numbers = itertools.count()


class Option:
    def __init__(self, strike):
        self.curve = [strike * 0.001 * step for step in range(500)]

    @functools.lru_cache(maxsize=128)  # noqa: B019 - bounded: this is what the job is about
    def price(self, days):
        return sum(self.curve[:days])


def job():
    for strike in itertools.islice(numbers, 4):
        option = Option(strike)
        for _ in range(200):
            option.price(30)
