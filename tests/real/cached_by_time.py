"""Cache quotes by symbol and time.

The cache is a plain dict and no key comes back, since it holds the time.

needs: cachetools
Measured: 22 529 B a run alone, 22 182 in company.
"""

import itertools

import cachetools

VERDICT = "leaking"
BYTES_PER_RUN = 22_500

clock = itertools.count()


@cachetools.cached(cache={})
def quote(symbol, second):
    levels = [second + level * 0.01 for level in range(50)]  # <- retained here
    return {"symbol": symbol, "at": second, "levels": levels}  # <- retained here


def job():
    second = next(clock)
    for _ in range(100):
        for number in range(10):
            quote(f"S{number}", second)  # <- retained here
