"""The signatures that were accepted lately, so that a recorded request is not accepted again."""

from __future__ import annotations

import heapq

MAX_SIGNATURES = 2_048  # some 0.4 MB


class AcceptedSignatures:
    """The signatures of the requests that were accepted within the last `window_s` seconds, `most` at most.

    If there are more, the oldest one is dropped, and no request as old as that one is accepted any more. So no request
    is accepted twice, however many come.
    """

    def __init__(self, window_s: float, most: int = MAX_SIGNATURES) -> None:
        self._window_s = window_s
        self._most = most
        self._by_age: list[tuple[int, bytes]] = []  # a heap of times of signing and signatures
        self._signatures: set[bytes] = set()
        self._floor_s = 0  # of what was signed in this second or earlier, a signature may have been dropped

    def __len__(self) -> int:
        return len(self._signatures)

    def has(self, signature: bytes, signed_at_s: int) -> bool:
        """Return whether a request was accepted before, or may have been."""
        return signature in self._signatures or signed_at_s <= self._floor_s

    def add(self, signature: bytes, signed_at_s: int, now_s: float) -> None:
        """Note that a request was accepted, and forget those that are too old to be accepted again."""
        self._signatures.add(signature)
        heapq.heappush(self._by_age, (signed_at_s, signature))
        while self._by_age[0][0] < now_s - self._window_s:
            self._drop_oldest()
        while len(self._by_age) > self._most:
            self._floor_s = max(self._floor_s, self._drop_oldest())

    def _drop_oldest(self) -> int:
        signed_at_s, signature = heapq.heappop(self._by_age)
        self._signatures.remove(signature)
        return signed_at_s
