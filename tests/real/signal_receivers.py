"""Subscribe the handler of each connection to a signal, and never disconnect it.

`weak=False` makes the signal keep the handler, and the handler keeps its connection.

needs: blinker
Measured: 68 018 B a run alone, 68 230 in company.
"""

import blinker

VERDICT = "leaking"
BYTES_PER_RUN = 68_000

changed = blinker.Signal()


class Connection:
    def __init__(self):
        self.buffer = bytearray(16_384)  # <- retained here

    def on_change(self, sender):
        return len(self.buffer)


def job():
    for _ in range(4):
        changed.connect(Connection().on_change, weak=False)
    for price in range(10):
        changed.send(price)
