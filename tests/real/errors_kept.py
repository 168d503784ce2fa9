"""Collect the errors of a batch for the end of the day; every fifth batch has some.

An error keeps its traceback, the traceback its frames, and the frames all their variables.
On CPython 3.12 and later it is a quarter less: 80 700 B a run.

needs: nothing beside the standard library
Measured: 106 500 B a run alone, 106 490 in company.
"""

import itertools

VERDICT = "leaking"
BYTES_PER_RUN = 106_000

runs = itertools.count()
errors: list[Exception] = []


def check(batch):
    rows = [row.strip().split() for row in batch]  # <- retained here
    if len(rows) > 1_500:
        raise ValueError(f"{len(rows)} rows are too many")
    return rows


def job():
    size = 1_600 if next(runs) % 5 == 0 else 1_400
    try:
        check([f" row {number} " for number in range(size)])  # <- retained here
    except ValueError as error:
        errors.append(error)
