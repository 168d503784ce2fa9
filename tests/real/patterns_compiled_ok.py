"""Search by patterns that users typed; 20 new ones a run.

The re module keeps 512 compiled patterns (256 more in its second cache on 3.12 and later).

needs: nothing beside the standard library
Measured: 637, 642, 643, 643, 643 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools
import re

VERDICT = "stable"
FILLS_BY_RUN = 40

words = itertools.count()
text = "order 17 of 2024-11-03, paid; order 18 of 2024-11-04, open" * 5


def job():
    for word in itertools.islice(words, 20):
        re.search(rf"order (?P<number>\d+|{word}) of (?P<day>[\d-]+), (paid|open|late{word})", text)
