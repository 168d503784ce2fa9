"""Write a log to memory and start anew at 1 MB, which 22 runs reach.

needs: nothing beside the standard library
Measured: 744, 468, 211, 939, 662 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import io

VERDICT = "stable"
FILLS_BY_RUN = 22

log = io.BytesIO()


def job():
    for number in range(600):
        log.write(b"GET /orders/%d HTTP/1.1 200 in 7 ms from 127.0.0.1 by anonymous, curl/8.5.0\n" % number)
    if log.tell() > 1_000_000:
        log.seek(0)
        log.truncate()
