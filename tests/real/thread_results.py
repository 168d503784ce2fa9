"""Fetch prices in plain threads, which leave what they got in a list.

A thread does not inherit the context of the run that started it.

needs: nothing beside the standard library
Measured: 59 751 B a run alone, 59 986 in company.
"""

import threading

VERDICT = "leaking"
BYTES_PER_RUN = 59_800

results: list[dict[str, float]] = []


def fetch(market):
    sorted(range(10_000), key=lambda tick: -tick % 89)
    results.append({f"{market}:{symbol}": symbol * 1.01 for symbol in range(300)})  # <- retained here


def job():
    threads = [threading.Thread(target=fetch, args=(market,)) for market in ("A", "B")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
