"""Pickle the state for a checkpoint, keep the last one, and load it back.

needs: nothing beside the standard library
Measured: 67, 67, 67, 67, 67 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools
import pickle

VERDICT = "stable"
FILLS_BY_RUN = 0

runs = itertools.count()
checkpoint: dict[str, bytes] = {}


def job():
    orders = {number: [f"order {number}", number * 1.5, {"run": next(runs)}] for number in range(1_500)}
    checkpoint["last"] = pickle.dumps(orders)
    len(pickle.loads(checkpoint["last"]))
