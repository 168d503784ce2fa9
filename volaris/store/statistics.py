"""Statistics of the stateful parts of the store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatistics:
    """The current state of the pool, and how often it was used since it was created."""

    size: int  # open connections
    max_size: int  # highest number of open connections
    idle: int  # open and not in use
    in_use: int  # acquired by callers
    waiting: int  # callers that are waiting for a connection
    acquires: int  # connections that were acquired
    failures: int  # callers that got no connection
