"""Replace the table of prices by a new one of random size, 500 to 3 000 rows.

needs: nothing beside the standard library
Measured: 384, 348, 310, 188, 402 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import random

VERDICT = "stable"
FILLS_BY_RUN = 0

rng = random.Random(11)
state: dict[str, dict[str, tuple[float, float]]] = {}


def job():
    size = rng.randrange(500, 3_000)
    state["prices"] = {f"S{number}": (number * 1.01, number * 1.02) for number in range(size)}
