"""Parses Cboe's delayed-quotes document into a quote, a chain or a bar; anything else is a clear error.

The parser is msgspec, because orjson creates an object for everything: 79 MB for 9 500 contracts, and it holds the GIL
for 17 ms. Here a contract stays a slice of the document until its name shows that it is wanted: 1 MB and 4 ms.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from volaris.errors import BadDocument
from volaris.market.records import Chain, ChainBounds, DailyBars, Quote

NAME = "cboe"
NEW_YORK = ZoneInfo("America/New_York")
TOO_LARGE = 2**53  # from here on a double skips whole numbers; much larger counts would not fit the database's bigint

# A symbol of the Options Clearing Corporation: root, YYMMDD, C or P, and the strike in thousandths of a dollar.
DAY_AT, SIDE_AT, STRIKE_AT = slice(-15, -9), -9, slice(-8, None)
BEYOND_ROOT = 15

# The feed keeps the day's figures until the next morning; after the close they are those of the whole day.
DAY_IS_OVER = time(16, 20)

Dollars = Annotated[float, msgspec.Meta(ge=0, lt=TOO_LARGE)]
Contracts = Annotated[float, msgspec.Meta(ge=0, lt=2**31)]  # the feed writes counts as 12.0


class _Share(msgspec.Struct):
    """The part about the share. Its values are checked one by one, so that an error can name the wrong one."""

    symbol: Any = None
    current_price: Any = None
    bid: Any = None
    ask: Any = None
    open: Any = None
    high: Any = None
    low: Any = None
    close: Any = None
    volume: Any = None
    last_trade_time: Any = None


class _ShareAndOptions(_Share):
    options: msgspec.Raw = msgspec.Raw(b"[]")


class _ShareDocument(msgspec.Struct):
    data: _Share


class _WholeDocument(msgspec.Struct):
    data: _ShareAndOptions


class _Name(msgspec.Struct):
    option: str


class _Contract(msgspec.Struct):
    bid: Dollars | None = None
    ask: Dollars | None = None
    volume: Contracts | None = None
    open_interest: Contracts | None = None


_SHARE = msgspec.json.Decoder(_ShareDocument)
_WHOLE = msgspec.json.Decoder(_WholeDocument)
_PIECES = msgspec.json.Decoder(list[msgspec.Raw])
_NAME = msgspec.json.Decoder(_Name)
_CONTRACT = msgspec.json.Decoder(_Contract)


def parse_quote(document: bytes, symbol: str) -> Quote:
    """Return the quote of the share. A bid or an ask of 0 means that there is none.

    Raises BadDocument, which names what is wrong but shows no content.
    """
    share = _decoded(_SHARE, document, symbol).data
    volume = _number(share, "volume", symbol)
    return Quote(
        symbol=symbol,
        source=NAME,
        price=_price(share, symbol),
        bid=_number(share, "bid", symbol) or None,
        ask=_number(share, "ask", symbol) or None,
        volume=None if volume is None else int(volume),
        quoted_at=_last_trade(share, symbol),
    )


def parse_chain(document: bytes, symbol: str, bounds: ChainBounds) -> Chain:
    """Return the contracts within the bounds, at the time of the share's last trade. Of others only the name is read.

    Contracts with another root are left out, because after a split or a merger they deliver something else than 100
    shares. Raises BadDocument, also if a contract occurs twice.
    """
    share = _decoded(_WHOLE, document, symbol).data
    spot, quoted_at = _price(share, symbol), _last_trade(share, symbol)
    pieces = _pieces(share.options, symbol)
    wanted = _wanted([_name(piece, symbol) for piece in pieces], symbol, spot, quoted_at, bounds)
    kept = [_contract(pieces[number], symbol) for number in wanted["number"].tolist()]
    order = np.lexsort((wanted["is_call"], wanted["strike"], wanted["expiration"]))
    keys = wanted[["expiration", "strike", "is_call"]][order]
    if (keys[1:] == keys[:-1]).any():
        raise BadDocument(NAME, symbol, "a contract occurs twice in the document")
    return Chain(
        symbol=symbol,
        source=NAME,
        spot=spot,
        quoted_at=quoted_at,
        listed=len(pieces),
        expiration=keys["expiration"].astype("datetime64[D]"),
        strike=keys["strike"].copy(),
        is_call=keys["is_call"].copy(),
        bid=np.array([contract.bid or 0.0 for contract in kept], dtype=np.float64)[order],
        ask=np.array([contract.ask or 0.0 for contract in kept], dtype=np.float64)[order],
        volume=np.array([contract.volume or 0 for contract in kept]).astype(np.int32)[order],
        open_interest=np.array([contract.open_interest or 0 for contract in kept]).astype(np.int32)[order],
    )


def parse_bars(document: bytes, symbol: str, now: datetime) -> DailyBars:
    """Return the bar of the document's own day if that day is over at `now`, else no bar: the feed has no others.

    There is also no bar for a day without a trade, whose open is 0 or missing. Raises BadDocument.
    """
    share = _decoded(_SHARE, document, symbol).data
    day = _last_trade(share, symbol).astimezone(NEW_YORK).date()
    first, high, low, last = (_number(share, key, symbol) or 0.0 for key in ("open", "high", "low", "close"))
    is_over = now >= datetime.combine(day, DAY_IS_OVER, NEW_YORK)
    rows = 1 if is_over and 0 < low <= min(first, last) <= max(first, last) <= high else 0
    return DailyBars(
        symbol=symbol,
        source=NAME,
        day=np.array([day] * rows, dtype="datetime64[D]"),
        open=np.full(rows, first),
        high=np.full(rows, high),
        low=np.full(rows, low),
        close=np.full(rows, last),
        volume=np.full(rows, int(_number(share, "volume", symbol) or 0), dtype=np.int64),
    )


_WANTED = np.dtype([("number", "i8"), ("expiration", "M8[D]"), ("strike", "f8"), ("is_call", "?")])


def _wanted(names: list[str], symbol: str, spot: float, quoted_at: datetime, bounds: ChainBounds) -> Any:
    """Return position in the document, expiration, strike and side of each wanted contract as a structured array."""
    root = symbol.lstrip("_").replace(".", "")
    today = quoted_at.astimezone(NEW_YORK).date()
    ours = [number for number, name in enumerate(names) if name[:-BEYOND_ROOT] == root]
    days = {names[number][DAY_AT] for number in ours}
    expirations = {text: day for text in days if (day := _day(text, symbol)) >= today}
    nearest = set(sorted(expirations.values())[: bounds.max_expirations])
    lowest, highest = bounds.strikes(spot)
    rows = []
    for number in ours:
        expiration = expirations.get(names[number][DAY_AT])
        strike = int(names[number][STRIKE_AT]) / 1000
        if expiration in nearest and lowest <= strike <= highest and strike > 0:
            rows.append((number, expiration, strike, names[number][SIDE_AT] == "C"))
    return np.array(rows, dtype=_WANTED)


def _decoded(decoder: msgspec.json.Decoder[Any], document: bytes, symbol: str) -> Any:
    try:
        decoded = decoder.decode(document)
    except msgspec.ValidationError:
        raise BadDocument(NAME, symbol, "the document has no object `data`") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        cause = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadDocument(NAME, symbol, f"the document of {len(document)} bytes is not valid JSON: {cause}") from None
    if decoded.data.symbol != symbol:
        raise BadDocument(NAME, symbol, "the document is about another symbol")
    return decoded


def _pieces(options: msgspec.Raw, symbol: str) -> list[msgspec.Raw]:
    try:
        return _PIECES.decode(options)
    except msgspec.DecodeError:
        raise BadDocument(NAME, symbol, "options is not a list") from None


def _name(piece: msgspec.Raw, symbol: str) -> str:
    """Return the contract's symbol. Its form is checked, but not its day."""
    try:
        name = _NAME.decode(piece).option
    except (msgspec.DecodeError, UnicodeDecodeError):  # whether this piece is UTF-8 was not checked before
        raise BadDocument(NAME, symbol, "an option has no symbol") from None
    figures = name[DAY_AT] + name[STRIKE_AT]
    if len(name) <= BEYOND_ROOT or name[SIDE_AT] not in "CP" or not (figures.isascii() and figures.isdigit()):
        raise BadDocument(NAME, symbol, "the symbol of an option does not have the form of CLX260821C00055000")
    return name


def _contract(piece: msgspec.Raw, symbol: str) -> _Contract:
    try:
        return _CONTRACT.decode(piece)
    except msgspec.DecodeError:
        cause = "bid, ask, volume or open_interest of an option is not a number, below 0, or too large"
        raise BadDocument(NAME, symbol, cause) from None


def _day(text: str, symbol: str) -> date:
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        raise BadDocument(NAME, symbol, "the expiration of an option is not a date") from None


def _price(share: _Share, symbol: str) -> float:
    price = _number(share, "current_price", symbol)
    if price is None or price <= 0:
        raise BadDocument(NAME, symbol, "current_price is missing or not above zero")
    return price


def _number(share: _Share, key: str, symbol: str) -> float | None:
    value = getattr(share, key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < TOO_LARGE:
        raise BadDocument(NAME, symbol, f"{key} is not a number from 0 to 2^53")
    return float(value)


def _last_trade(share: _Share, symbol: str) -> datetime:
    """Return the time of the last trade. The feed has New York's time without a time zone."""
    try:
        local = datetime.fromisoformat(share.last_trade_time)
        at = (local if local.tzinfo else local.replace(tzinfo=NEW_YORK)).astimezone(UTC)
        at.astimezone(NEW_YORK)  # the time must also be valid in New York, because it tells the day
        return at
    except (TypeError, ValueError, OverflowError):  # OverflowError: the time is outside the calendar in UTC or New York
        raise BadDocument(NAME, symbol, "last_trade_time is not a time") from None
