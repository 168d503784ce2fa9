"""Publish events through a client that is a MagicMock where no broker is configured.

A mock records each call, with its arguments, for assertions that never come.

needs: nothing beside the standard library
Measured: 166 714 B a run alone, 166 032 in company.
"""

from unittest.mock import MagicMock

VERDICT = "leaking"
BYTES_PER_RUN = 167_000

client = MagicMock()


def job():
    for number in range(60):
        fields = {f"field {index}": f"value {index}" for index in range(10)}  # <- retained here
        event = {"id": number, "fields": fields}  # <- retained here
        client.publish("events", event)  # <- retained here
