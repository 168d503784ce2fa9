"""Intern the names of each feed; names of the last feed only are in use.

needs: nothing beside the standard library
Measured: 1 179, 1 181, 1 181, 1 181, 1 181 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools
import sys

VERDICT = "stable"
FILLS_BY_RUN = 0

feeds = itertools.count()
current: dict[str, float] = {}


def job():
    feed = next(feeds)
    current.clear()
    current.update((sys.intern(f"feed {feed} symbol {number}"), number * 1.5) for number in range(2_000))
