"""What stateful parts of the store tell about themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatistics:
    """What the pool holds now, and how often it was asked since the database object was made."""

    size: int  # open connections
    max_size: int  # the most there may be
    idle: int  # open and in nobody's hands
    in_use: int  # held by somebody
    waiting: int  # callers that wait for one
    acquires: int  # connections handed out
    failures: int  # callers that got none
