"""Make an HTTP client for each customer and keep it.

Each client has a TLS context with all root certificates, in OpenSSL's memory on the C heap.

needs: httpx
Measured: 705 178 B of RSS a run alone, 653 230 in company.
"""

import httpx

VERDICT = "native_growth"
BYTES_PER_RUN = 705_000

clients: list[httpx.Client] = []


def job():
    clients.append(httpx.Client(base_url="http://localhost", trust_env=False))  # <- retained here
