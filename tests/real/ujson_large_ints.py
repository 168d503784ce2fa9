"""Parse documents whose amounts do not fit into 64 bits.

ujson 5.4.0 to 5.11.0 copy each such number's digits and never free the copy.
Report: https://github.com/advisories/GHSA-wgvc-ghv9-3pmm

needs: ujson
Measured: 24 801 B a run alone, 24 747 in company.
"""

import ujson

VERDICT = "leaking"
BYTES_PER_RUN = 24_800

document = ujson.dumps({"rows": [{"id": number, "wei": 10**60 + number} for number in range(400)]})


def job():
    ujson.loads(document)  # <- retained here
