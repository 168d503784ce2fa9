"""Compress an export and read it back; zlib's windows are on the C heap.

needs: nothing beside the standard library
Measured: 608, 608, 608, 608, 608 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import gzip
import json

VERDICT = "stable"
FILLS_BY_RUN = 0

rows = [{"number": number, "text": f"row {number}"} for number in range(2_000)]


def job():
    packed = gzip.compress(json.dumps(rows).encode(), 1)
    len(json.loads(gzip.decompress(packed)))
