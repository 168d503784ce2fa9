"""Tables of text from the answers of the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ESTIMATORS = ("close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang")
WINDOWS = (10, 20, 60)
UNITS_S = {"days": 86_400, "h": 3_600, "min": 60}


def iv_table(answer: Mapping[str, Any]) -> str:
    """Return the answer of GET /api/v1/iv/{symbol} as text: age, figures, realised volatility, terms, last days."""
    latest = answer["latest"]
    if latest is None:
        return f"{answer['symbol']}: no figures are stored; fetch them with --fresh stale"
    head = (
        f"{answer['symbol']}  {latest['day']}  spot {latest['spot']:.2f}  from {latest['source']}, "
        f"{latest['contracts']} contracts, computed at {latest['computed_at']}"
    )
    parts = (
        [head, _freshness(answer)],
        _figures(latest),
        _realised(latest),
        _terms(latest["terms"]),
        _days(answer["history"]),
    )
    return "\n\n".join("\n".join(part) for part in parts)


def _freshness(answer: Mapping[str, Any]) -> str:
    text = f"{_age(answer['age_s'])} old"
    if answer["fetched"]:
        return f"{text}, fetched now"
    return f"{text}; not fetched: {answer['fetch_error']}" if answer["fetch_error"] else text


def _age(age_s: float) -> str:
    """Return an age in the largest unit of which it has at least two."""
    for unit, unit_s in UNITS_S.items():
        if age_s >= 2 * unit_s:
            return f"{age_s / unit_s:.0f} {unit}"
    return f"{age_s:.0f} s"


def _figures(latest: Mapping[str, Any]) -> Iterator[str]:
    for name in ("iv30", "atm_iv", "skew_25d"):
        yield f"{name:<14} {_percent(latest[name]):>8}"
    for name in ("iv_rank", "iv_percentile"):
        yield f"{name:<14} {_number(latest[name]):>8}  of {latest['iv_days']} days"


def _realised(latest: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'realised':<16}" + "".join(f"{f'{days} days':>10}" for days in WINDOWS)
    for name in ESTIMATORS:
        yield f"{name:<16}" + "".join(f"{_percent(latest[f'{name}_{days}']):>10}" for days in WINDOWS)


def _terms(terms: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'expiration':<12}{'forward':>10}{'atm_iv':>10}{'skew_25d':>10}{'contracts':>11}"
    for of in terms:
        yield (
            f"{of['expiration']:<12}{_number(of['forward'], 2):>10}{_percent(of['atm_iv']):>10}"
            f"{_percent(of['skew_25d']):>10}{of['contracts']:>11}"
        )


def _days(history: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'day':<12}{'iv30':>10}{'atm_iv':>10}{'skew_25d':>10}{'iv_rank':>10}"
    for of in history:
        yield (
            f"{of['day']:<12}"
            + "".join(f"{_percent(of[name]):>10}" for name in ("iv30", "atm_iv", "skew_25d"))
            + f"{_number(of['iv_rank']):>10}"
        )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.2f} %"


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
