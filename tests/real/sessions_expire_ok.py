"""Open six sessions a run; a session ends 45 runs later.

needs: nothing beside the standard library
Measured: 1 187, 1 187, 1 187, 1 188, 1 189 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools

VERDICT = "stable"
FILLS_BY_RUN = 45

runs = itertools.count()
sessions: dict[str, dict[str, object]] = {}


def job():
    run = next(runs)
    for number in range(6):
        basket = [f"article {article}" for article in range(60)]
        sessions[f"{run}-{number}"] = {"opened": run, "basket": basket}
    for key in [key for key, session in sessions.items() if session["opened"] < run - 45]:
        del sessions[key]
