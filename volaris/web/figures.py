"""The schema of a symbol's volatility figures of one day, for the routes iv and screener."""

from __future__ import annotations

from dataclasses import fields as fields_of
from operator import attrgetter

from marshmallow import fields

from volaris.store import MetricsRow
from volaris.web.schemas import Strict
from volaris.web.streams import Table

COLUMNS = tuple(field.name for field in fields_of(MetricsRow) if field.name != "symbol")
ESTIMATORS = ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")
WINDOWS = (10, 20, 60)

FIGURES: Table[MetricsRow] = Table(COLUMNS, attrgetter(*COLUMNS))
STREAMED: Table[MetricsRow] = Table(("symbol", *COLUMNS), attrgetter("symbol", *COLUMNS))


def _optional(description: str, example: float) -> fields.Float:
    return fields.Float(required=True, allow_none=True, metadata={"description": description, "example": example})


class BareFiguresSchema(Strict):
    """A symbol's figures of a day. Volatilities are annual: 0.2 is 20 %. A value is null if there are too few data."""

    day = fields.Date(required=True, metadata={"description": "day of the chain, in UTC", "example": "2025-10-14"})
    computed_at = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "when the figures were computed, in UTC", "example": "2025-10-14T16:00:02Z"},
    )
    source = fields.String(
        required=True, metadata={"description": "market source of the chain", "example": "simulated"}
    )
    spot = fields.Float(required=True, metadata={"description": "price of the share, in US dollars", "example": 248.37})
    contracts = fields.Integer(
        required=True, metadata={"description": "contracts with an implied volatility", "example": 587}
    )
    iv30 = _optional("implied volatility over the next 30 days, computed like the VIX", 0.291)
    atm_iv = _optional("implied volatility at the money, of the expiration nearest to 30 days", 0.284)
    skew_25d = _optional("implied volatility of the put minus that of the call, both of delta 25 %", 0.046)
    iv_rank = _optional("position of iv30 between its lowest and highest of `iv_days` days: 0 to 100", 55.5)
    iv_percentile = _optional("share of `iv_days` days with a lower iv30: 0 to 100", 61.1)
    iv_days = fields.Integer(
        required=True,
        metadata={"description": "days that rank and percentile are computed from, at most 252", "example": 252},
    )


FiguresSchema = BareFiguresSchema.from_dict(
    {
        f"{name}_{days}": _optional(f"realised volatility over {days} days, by {name.replace('_', ' ')}", 0.25)
        for name in ESTIMATORS
        for days in WINDOWS
    },
    name="Figures",
)
