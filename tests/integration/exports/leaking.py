"""Memory that jobs and scopes keep, in a few lines, for what exports it."""

from __future__ import annotations

import json
from typing import Any

from profiling import Profiler

SYNC_BYTES = 20 * 9_000 + 10 * 3_000 + 2 * 20_000  # kept by a run of `sync`

kept: list[Any] = []


def blocks(number: int) -> list[bytes]:
    return [bytes(bytearray(9_000)) for _ in range(number)]


def documents(number: int) -> Any:
    return json.loads(json.dumps([{"key": at, "text": str(at) * 3} for at in range(number)]))


def pages(number: int) -> list[bytearray]:
    return [bytearray(20_000) for _ in range(number)]


class Store:
    """A store that never forgets."""

    def __init__(self) -> None:
        self.rows: list[bytearray] = []

    def add(self, number: int) -> None:
        for _ in range(number):
            self.rows.append(bytearray(3_000))


store = Store()


def leak(profiler: Profiler, times: int = 20) -> None:
    """Keep about 5 MB under the job `sync`, and 2 MB under the scope `GET /x`."""
    for _ in range(times):
        with profiler.run("sync"):
            kept.append(blocks(20))
            store.add(10)
            kept.append(pages(2))
        with profiler.scope("GET /x"):
            kept.append(documents(200))
            kept.append("x" * 50_000)


def forget() -> None:
    """Free all of it."""
    kept.clear()
    store.rows.clear()
