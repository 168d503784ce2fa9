"""Lend connections from a pool that opens a new one every second run, up to 20.

Each connection has a database of 100 KB on the C heap.

needs: nothing beside the standard library
Measured: 125, 131, 137, 142, 146 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools
import sqlite3

VERDICT = "stable"
FILLS_BY_RUN = 40

runs = itertools.count()
pool: list[sqlite3.Connection] = []


def job():
    run = next(runs)
    if run % 2 == 0 and len(pool) < 20:
        pool.append(sqlite3.connect(":memory:", check_same_thread=False))
        pool[-1].execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, text TEXT)")
    connection = pool[run % len(pool)]
    rows = ((number, f"order {number}") for number in range(1_000))
    connection.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?)", rows)
