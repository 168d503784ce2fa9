"""The delayed-quotes document of Cboe: from its bytes to a quote, and a clear error for everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from volaris.errors import BadDocument
from volaris.market.records import Quote

NAME = "cboe"
NEW_YORK = ZoneInfo("America/New_York")
TOO_LARGE = 2**53  # from here on a double skips whole numbers, and soon a count no longer fits the database's bigint


def parse_quote(document: bytes, symbol: str) -> Quote:
    """The share's quote. A bid or an ask of 0 means that there is none.

    Raises BadDocument, which names what is wrong and shows nothing of the content.
    """
    data = _data(document, symbol)
    if data.get("symbol") != symbol:
        raise BadDocument(NAME, symbol, "the document is of another symbol")
    price = _number(data, "current_price", symbol)
    if price is None or price <= 0:
        raise BadDocument(NAME, symbol, "current_price is missing or not above zero")
    volume = _number(data, "volume", symbol)
    return Quote(
        symbol=symbol,
        source=NAME,
        price=price,
        bid=_number(data, "bid", symbol) or None,
        ask=_number(data, "ask", symbol) or None,
        volume=None if volume is None else int(volume),
        quoted_at=_last_trade(data, symbol),
    )


def _data(document: bytes, symbol: str) -> dict[str, Any]:
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise BadDocument(NAME, symbol, f"not JSON, at character {error.pos} of {len(document)}") from None
    data = parsed.get("data") if isinstance(parsed, dict) else None
    if not isinstance(data, dict):
        raise BadDocument(NAME, symbol, "no object `data` in the document")
    return data


def _number(data: dict[str, Any], key: str, symbol: str) -> float | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < TOO_LARGE:
        raise BadDocument(NAME, symbol, f"{key} is not a number from 0 to 2^53")
    return float(value)


def _last_trade(data: dict[str, Any], symbol: str) -> datetime:
    """The feed gives New York's time without saying so."""
    try:
        local = datetime.fromisoformat(data["last_trade_time"])
        return (local if local.tzinfo else local.replace(tzinfo=NEW_YORK)).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):  # the last: a time that UTC puts outside the calendar
        raise BadDocument(NAME, symbol, "last_trade_time is not a time") from None
