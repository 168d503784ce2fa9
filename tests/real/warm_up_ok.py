"""Load a dictionary of 30 languages, one in each of the first 30 runs, and then only look words up.

needs: nothing beside the standard library
Measured: 2 649, 2 649, 2 649, 2 649, 2 649 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools

VERDICT = "stable"
FILLS_BY_RUN = 30

runs = itertools.count()
languages: dict[int, dict[str, str]] = {}


def job():
    run = next(runs)
    if run < 30:
        languages[run] = {f"word {word}": f"word {word} in language {run}" for word in range(600)}
    for word in range(3_000):
        languages[run % len(languages)].get(f"word {word}")
