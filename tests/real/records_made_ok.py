"""Make record classes for each answer of a database and drop them.

needs: nothing beside the standard library
Measured: 22, 22, 22, 22, 22 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import collections
import enum

VERDICT = "stable"
FILLS_BY_RUN = 0


def job():
    for number in range(4):
        record = collections.namedtuple(f"Row{number}", [f"column_{index}" for index in range(6)])  # noqa: PYI024
        status = enum.Enum(f"Status{number}", ["open", "paid", "late"])
        [record(row, status.open, 1, 2, 3, 4) for row in range(50)]
