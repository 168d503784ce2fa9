"""Parse in three threads of their own; each keeps its buffer in a threading.local as long as it lives.

needs: nothing beside the standard library
Measured: 26, 27, 27, 27, 27 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import json
import threading

VERDICT = "stable"
FILLS_BY_RUN = 0

local = threading.local()
text = json.dumps([{"number": number, "text": f"row {number}"} for number in range(400)])


def parse():
    local.rows = json.loads(text)


def job():
    threads = [threading.Thread(target=parse) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
