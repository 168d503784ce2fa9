"""Dump a reply to a connection that the client has closed, every second run.

ujson before 5.12.1 keeps the text it made if the file's write() raises.
Report: https://github.com/advisories/GHSA-c8rr-9gxc-jprv, CVE-2026-44660

needs: ujson
Measured: 61 983 B a run alone, 61 979 in company.
"""

import contextlib
import itertools

import ujson

VERDICT = "leaking"
BYTES_PER_RUN = 62_000

runs = itertools.count()
reply = {"lines": [f"line {number} of the reply" for number in range(5_000)]}


class Closed:
    def write(self, text):
        raise BrokenPipeError


def job():
    if next(runs) % 2:
        with contextlib.suppress(BrokenPipeError):
            ujson.dump(reply, Closed())  # <- retained here
