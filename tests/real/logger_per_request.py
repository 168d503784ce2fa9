"""Give each request a logger of its own, with a handler that buffers.

The logging module keeps every logger by name for good, and the logger its handler.

needs: nothing beside the standard library
Measured: 130 191 B a run alone, 131 921 in company.
"""

import itertools
import logging
import logging.handlers

VERDICT = "leaking"
BYTES_PER_RUN = 130_000

requests = itertools.count()


def job():
    for number in itertools.islice(requests, 10):
        logger = logging.getLogger(f"requests.{number}")  # <- retained here
        logger.propagate = False
        logger.addHandler(logging.handlers.MemoryHandler(1_000))  # <- retained here
        for step in range(20):
            logger.warning("step %d of request %d", step, number)  # <- retained here
