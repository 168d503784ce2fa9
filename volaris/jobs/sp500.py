"""The job sp500: once a day it stores the list of the index's members."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from volaris.errors import BadDocument, SourceTimeout, SourceUnavailable
from volaris.market import Constituent, ConstituentSource
from volaris.scheduler import Every, Job
from volaris.store import ConstituentRow

JOB_ID = "sp500"
INDEX = "S&P 500"
FEWEST, MOST = 490, 515
MAX_LEAVERS = 0.05  # share of the members so far

logger = logging.getLogger(__name__)


class ConstituentStore(Protocol):
    """Stores the members: volaris.store.ConstituentRepository."""

    async def members(self) -> list[ConstituentRow]:
        """Return all members that have not left. Raises StoreError."""

    async def replace(self, members: Sequence[ConstituentRow], at: datetime) -> int:
        """Store these as the members, mark all others as left, and return how many were marked. Raises StoreError."""


def now_in_utc() -> datetime:
    """Return the current time of the machine, in UTC."""
    return datetime.now(UTC)


def sp500_job(source: ConstituentSource, store: ConstituentStore, *, interval_s: float) -> Job:
    """Return the job for the scheduler: at start, and then every `interval_s`."""

    async def run() -> None:
        await sync_constituents(source, store)

    return Job(
        id=JOB_ID,
        description="members of the S&P 500",
        run=run,
        trigger=Every(interval_s),
        timeout_s=min(interval_s, 300.0),
        retry_on=(SourceUnavailable, SourceTimeout),
        max_attempts=2,
    )


async def sync_constituents(
    source: ConstituentSource, store: ConstituentStore, now: Callable[[], datetime] = now_in_utc
) -> int:
    """Store the source's list as the members, and return their number. Those that left are marked, not deleted.

    If `check` finds the list wrong, raises BadDocument and changes nothing.
    """
    listed = await source.constituents()
    known = await store.members()
    check([member.symbol for member in listed], [member.symbol for member in known])
    left = await store.replace([row_of(member) for member in listed], now())
    if left:
        logger.warning("%d members have left the index", left)
    return len(listed)


def check(listed: Sequence[str], known: Sequence[str]) -> None:
    """Raise BadDocument for a list that cannot be the index: a wrong number, a symbol twice, or too many gone at once.

    At most 5 % of the members may leave at once. If no members are stored yet, nobody has left.
    """
    if not FEWEST <= len(listed) <= MOST:
        raise BadDocument(JOB_ID, INDEX, f"the list has {len(listed)} members; it should have {FEWEST} to {MOST}")
    if twice := sorted(symbol for symbol, times in Counter(listed).items() if times > 1):
        raise BadDocument(JOB_ID, INDEX, f"these symbols occur twice in the list: {', '.join(twice[:5])}")
    leavers = sorted(set(known) - set(listed))
    if len(leavers) > MAX_LEAVERS * len(known):
        raise BadDocument(
            JOB_ID,
            INDEX,
            f"{len(leavers)} of {len(known)} members would leave at once, among them {', '.join(leavers[:5])}; "
            f"more than {MAX_LEAVERS:.0%} means that the list is broken",
        )


def row_of(member: Constituent) -> ConstituentRow:
    """Return a member in the form that the store keeps: source and store do not know each other's records."""
    return ConstituentRow(symbol=member.symbol, name=member.name, sector=member.sector, since=member.since)
