"""Close each cursor by weakref.finalize when it is collected.

The callback is a bound method: it keeps the cursor, so the cursor is never collected.

needs: nothing beside the standard library
Measured: 62 140 B a run alone, 61 441 in company.
"""

import weakref

VERDICT = "leaking"
BYTES_PER_RUN = 62_100


class Cursor:
    def __init__(self):
        self.rows = [(number, f"row {number}") for number in range(100)]  # <- retained here
        weakref.finalize(self, self.close).atexit = False  # <- retained here

    def close(self):
        self.rows.clear()


def job():
    for _ in range(5):
        cursor = Cursor()
        for column in range(20):
            sorted(cursor.rows, key=lambda row, column=column: row[0] % (column + 2))
