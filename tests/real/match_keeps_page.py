"""Find the first price on a page and keep the match, every second run.

A match object keeps the whole string that was searched.

needs: nothing beside the standard library
Measured: 108 107 B a run alone, 108 106 in company.
"""

import itertools
import re

VERDICT = "leaking"
BYTES_PER_RUN = 108_000

runs = itertools.count()
found: list[re.Match[str]] = []
price = re.compile(r"price: (\d+)")


def job():
    number = next(runs)
    page = f"page {number}\n" + "lorem ipsum dolor sit amet\n" * 8_000 + f"price: {number}"  # <- retained here
    if (match := price.search(page)) and number % 2:
        found.append(match)
