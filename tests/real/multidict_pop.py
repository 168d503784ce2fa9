"""Strip hop-by-hop headers from each request of a proxy.

multidict 6.6.3 forgets to release an entry that is popped.
Report: https://github.com/aio-libs/multidict/issues/1232

needs: multidict
Measured: 87 361 B a run alone, 87 335 in company.
"""

from multidict import CIMultiDict

VERDICT = "leaking"
BYTES_PER_RUN = 87_400

names = [f"X-Hop-{number}" for number in range(20)]


def job():
    for request in range(120):
        headers = CIMultiDict({name: f"{name} of {request}" for name in names})  # <- retained here
        for name in names:
            headers.pop(name, None)
