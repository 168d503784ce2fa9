"""sp500: the members of the index, once a day, into the table of constituents."""

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
MAX_LEAVERS = 0.05  # of the members so far

logger = logging.getLogger(__name__)


class ConstituentStore(Protocol):
    """Where members are kept: volaris.store.ConstituentRepository, and what stands in for it."""

    async def members(self) -> list[ConstituentRow]:
        """Return all that have not left. Raises StoreError."""

    async def replace(self, members: Sequence[ConstituentRow], at: datetime) -> int:
        """Make these the members and mark the others; gives how many were marked. Raises StoreError."""


def now_in_utc() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def sp500_job(source: ConstituentSource, store: ConstituentStore, *, interval_s: float) -> Job:
    """Return the job for the scheduler: at start and then every `interval_s`."""

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
    """Make the source's list the members; gives how many they are. Who is not on it any more is marked, not deleted.

    Raises BadDocument, and leaves all as it is, if `check` finds the list wrong.
    """
    listed = await source.constituents()
    known = await store.members()
    check([member.symbol for member in listed], [member.symbol for member in known])
    left = await store.replace([row_of(member) for member in listed], now())
    if left:
        logger.warning("%d members left the index", left)
    return len(listed)


def check(listed: Sequence[str], known: Sequence[str]) -> None:
    """Raise BadDocument for a list that cannot be the index's: wrong in number, a symbol twice, too many gone at once.

    5 % of the members may be gone, and one more may not. Nobody has left if nobody was known.
    """
    if not FEWEST <= len(listed) <= MOST:
        raise BadDocument(JOB_ID, INDEX, f"{len(listed)} members, and there should be {FEWEST} to {MOST}")
    if twice := sorted(symbol for symbol, times in Counter(listed).items() if times > 1):
        raise BadDocument(JOB_ID, INDEX, f"symbols that stand twice in the list: {', '.join(twice[:5])}")
    leavers = sorted(set(known) - set(listed))
    if len(leavers) > MAX_LEAVERS * len(known):
        raise BadDocument(
            JOB_ID,
            INDEX,
            f"{len(leavers)} of {len(known)} members would leave at once, {', '.join(leavers[:5])} among them; "
            f"over {MAX_LEAVERS:.0%} is taken for a broken list",
        )


def row_of(member: Constituent) -> ConstituentRow:
    """Return a member as the store keeps it: neither package knows the other."""
    return ConstituentRow(symbol=member.symbol, name=member.name, sector=member.sector, since=member.since)
