"""Work off a backlog whose size wanders between 0 and 4 000 entries, which leave in random order.

needs: nothing beside the standard library
Measured: 170, 173, 224, 67, 100 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import random

VERDICT = "stable"
FILLS_BY_RUN = 60

rng = random.Random(5)
backlog: list[str] = []


def job():
    room = 4_000 - len(backlog)
    backlog.extend(f"message {number} of the backlog" for number in range(rng.randrange(600) if room > 600 else 0))
    for _ in range(min(len(backlog), rng.randrange(600))):
        position = rng.randrange(len(backlog))
        backlog[position], backlog[-1] = backlog[-1], backlog[position]
        backlog.pop()
