"""Buffer log records and flush them when there are 3 000, about every 25th run.

needs: nothing beside the standard library
Measured: 985, 1 742, 607, 1 365, 229 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import logging
import logging.handlers

VERDICT = "stable"
FILLS_BY_RUN = 25

log = logging.getLogger("audit")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(logging.handlers.MemoryHandler(3_000, flushLevel=logging.CRITICAL, target=logging.NullHandler()))


def job():
    for number in range(120):
        log.info("order %d is paid by customer %s", number, f"customer {number}")
