"""Load the history of orders, add those of this run, and store it again: as text, from which the next run loads it.

Every run makes the whole history anew, of small blocks, so nothing that is alive is old.

needs: nothing beside the standard library
Measured: 18 213 B a run alone, 18 196 in company of the five that came with it.
"""

import itertools
import json

VERDICT = "leaking"
BYTES_PER_RUN = 18_200

numbers = itertools.count()
state: dict[str, list[dict[str, object]]] = {"orders": []}


def job():
    stored = json.dumps(state["orders"])
    orders = json.loads(stored)  # <- retained here
    for number in itertools.islice(numbers, 40):
        orders.append({"id": number, "customer": f"customer {number}", "rows": [number, number + 1, number + 2]})
    state["orders"] = orders
