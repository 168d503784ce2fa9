"""The tables of volatility figures: a run's are written; a symbol's latest, its history and a ranking are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import Enum
from operator import attrgetter

from volaris.store.driver import translate_copy_errors
from volaris.store.pool import Connections

MAX_ROWS = 1_000  # of one answer of `history` and `ranking`

CREATE_INCOMING = """
CREATE TEMPORARY TABLE incoming_metrics (LIKE iv_metrics) ON COMMIT DROP;
CREATE TEMPORARY TABLE incoming_terms (LIKE iv_terms) ON COMMIT DROP
"""

# A day's figures are those of its last run. In the order of the key: see prices. Both tables have their columns in the
# same order, so that these need not be listed twice.
DELETE_METRICS = (
    "DELETE FROM iv_metrics USING incoming_metrics AS i WHERE iv_metrics.symbol = i.symbol AND iv_metrics.day = i.day"
)

INSERT_METRICS = "INSERT INTO iv_metrics SELECT * FROM incoming_metrics ORDER BY symbol, day"

DELETE_TERMS = "DELETE FROM iv_terms USING incoming_metrics AS i WHERE iv_terms.symbol = i.symbol"

INSERT_TERMS = "INSERT INTO iv_terms SELECT * FROM incoming_terms ORDER BY symbol, expiration"

# One writer at a time: a second one would not see, and not delete, what the first is about to write. Readers go on.
LOCK = "LOCK TABLE iv_metrics IN SHARE ROW EXCLUSIVE MODE"

LATEST = "SELECT * FROM iv_metrics WHERE symbol = $1 ORDER BY day DESC LIMIT 1"

HISTORY = "SELECT * FROM iv_metrics WHERE symbol = $1 AND ($2::date IS NULL OR day < $2) ORDER BY day DESC LIMIT $3"

IV_HISTORY = """
SELECT iv30 FROM iv_metrics
WHERE symbol = $1 AND day < $2 AND source = $3 AND iv30 IS NOT NULL
ORDER BY day DESC
LIMIT $4
"""

TERMS = "SELECT * FROM iv_terms WHERE symbol = $1 ORDER BY expiration"

# The latest row of each member, with one lookup in the key's index for each.
LATEST_OF_MEMBERS = """
SELECT latest.*
FROM constituents, LATERAL (
    SELECT * FROM iv_metrics WHERE iv_metrics.symbol = constituents.symbol ORDER BY day DESC LIMIT 1
) AS latest
WHERE left_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsRow:
    """A symbol's figures of one day; symbol and day are the key. Volatilities are annual: 0.2 is 20 %."""

    symbol: str
    day: date
    computed_at: datetime  # with time zone; read back in UTC
    source: str  # market source of the chain
    spot: float
    contracts: int  # contracts with an implied volatility
    iv30: float | None
    atm_iv: float | None
    skew_25d: float | None
    iv_rank: float | None  # 0 to 100
    iv_percentile: float | None  # 0 to 100
    iv_days: int  # days of history behind rank and percentile
    close_to_close_10: float | None = None
    close_to_close_20: float | None = None
    close_to_close_60: float | None = None
    parkinson_10: float | None = None
    parkinson_20: float | None = None
    parkinson_60: float | None = None
    garman_klass_10: float | None = None
    garman_klass_20: float | None = None
    garman_klass_60: float | None = None
    rogers_satchell_10: float | None = None
    rogers_satchell_20: float | None = None
    rogers_satchell_60: float | None = None
    yang_zhang_10: float | None = None
    yang_zhang_20: float | None = None
    yang_zhang_60: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRow:
    """The figures of one expiration in a symbol's latest run."""

    symbol: str
    expiration: date
    years: float  # to the expiration, above 0
    forward: float | None
    atm_iv: float | None
    skew_25d: float | None
    contracts: int  # contracts with an implied volatility


class RankedBy(Enum):
    """The figures that members can be ranked by; the highest come first, and members without one are left out."""

    IV_RANK = "iv_rank"
    IV_PERCENTILE = "iv_percentile"
    IV30 = "iv30"
    ATM_IV = "atm_iv"
    SKEW_25D = "skew_25d"


METRICS_COLUMNS = tuple(field.name for field in fields(MetricsRow))
TERMS_COLUMNS = tuple(field.name for field in fields(TermRow))


class MetricsRepository:
    """The volatility figures in the database."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    async def save(self, metrics: Sequence[MetricsRow], terms: Sequence[TermRow]) -> int:
        """Store the figures of a batch of symbols in one transaction, all or none; return the number of symbols.

        A row of `metrics` replaces the one of its symbol and day, and the symbol's terms become those in `terms`.
        Raises StoreUnavailable if the database is or becomes unavailable, and StoreError if it refuses a value.
        """
        unique = {(row.symbol, row.day): row for row in metrics}
        if not unique:
            return 0
        async with self._database.transaction() as connection:
            await connection.execute(CREATE_INCOMING)
            with translate_copy_errors():
                await connection.copy_records_to_table(
                    "incoming_metrics",
                    records=_records(list(unique.values()), METRICS_COLUMNS),
                    columns=METRICS_COLUMNS,
                )
                await connection.copy_records_to_table(
                    "incoming_terms", records=_records(terms, TERMS_COLUMNS), columns=TERMS_COLUMNS
                )
            await connection.execute(LOCK)
            for statement in (DELETE_METRICS, INSERT_METRICS, DELETE_TERMS, INSERT_TERMS):
                await connection.execute(statement)
        return len(unique)

    async def latest(self, symbol: str) -> MetricsRow | None:
        """Return the symbol's figures of the last day that has any, or None."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(LATEST, symbol)
            return None if row is None else MetricsRow(**row)

    async def latest_of_members(self) -> list[MetricsRow]:
        """Return the latest figures of each member of the index that has any, in no order."""
        async with self._database.acquire() as connection:
            return [MetricsRow(**row) for row in await connection.fetch(LATEST_OF_MEMBERS)]

    async def history(self, symbol: str, limit: int, *, before: date | None = None) -> list[MetricsRow]:
        """Return at most `limit` days of the symbol before `before`, the latest first.

        Raises ValueError if the limit is not from 1 to MAX_ROWS, and StoreUnavailable if the database is unavailable.
        """
        _check_limit(limit)
        async with self._database.acquire() as connection:
            return [MetricsRow(**row) for row in await connection.fetch(HISTORY, symbol, before, limit)]

    async def iv30_before(self, symbol: str, day: date, source: str, days: int) -> list[float]:
        """Return the last `days` 30-day figures of the symbol before `day` from that source, the latest first."""
        async with self._database.acquire() as connection:
            return [row["iv30"] for row in await connection.fetch(IV_HISTORY, symbol, day, source, days)]

    async def terms(self, symbol: str) -> list[TermRow]:
        """Return the term structure of the symbol's latest run, by expiration."""
        async with self._database.acquire() as connection:
            return [TermRow(**row) for row in await connection.fetch(TERMS, symbol)]

    async def ranking(self, by: RankedBy, limit: int) -> list[MetricsRow]:
        """Return the latest figures of the members with the highest figure of that kind; equal figures by symbol.

        Raises ValueError if the limit is not from 1 to MAX_ROWS, and StoreUnavailable if the database is unavailable.
        """
        _check_limit(limit)
        # Sorted here, because in SQL the name of a column cannot be a parameter; there are only 503 rows.
        ranked = [row for row in await self.latest_of_members() if getattr(row, by.value) is not None]
        return sorted(ranked, key=lambda row: (-getattr(row, by.value), row.symbol))[:limit]


def _records(rows: Sequence[object], names: tuple[str, ...]) -> list[tuple[object, ...]]:
    return list(map(attrgetter(*names), rows))


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_ROWS:
        raise ValueError(f"limit must be from 1 to {MAX_ROWS}, not {limit}")
