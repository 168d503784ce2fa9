"""Read the reply to HGETALL under RESP3.

hiredis before 3.2 keeps a reference to each value of a map.
Report: https://github.com/redis/hiredis-py/issues/175

needs: hiredis
Measured: 423 921 B a run alone, 440 409 in company.
"""

import hiredis

VERDICT = "leaking"
BYTES_PER_RUN = 424_000

fields = [(f"field:{number}".encode(), b"v" * 400) for number in range(100)]
reply = b"%%%d\r\n" % len(fields) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for field in fields for text in field)
reader = hiredis.Reader()


def job():
    for _ in range(8):
        reader.feed(reply)
        reader.gets()  # <- retained here
