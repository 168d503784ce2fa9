"""Every setting with its variable, its default and what fits, and the record the service runs with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from volaris.settings.environment import (
    ValueKind,
    Variable,
    environment_with_file,
    folder,
    fraction,
    number_above_0,
    one_of,
    switch,
    whole_number,
    without_blanks,
    word,
)

Environment = Literal["development", "production"]
MarketSource = Literal["simulated", "replay", "cboe"]
MarketHours = Literal["nyse", "always"]
Profiling = Literal["off", "counters", "samples", "lines", "stacks", "adaptive"]
LogFormat = Literal["text", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

# The default of PROFILING: exact lines cost up to 11 times the run time, which production does not pay.
PROFILING_IN: Mapping[Environment, Profiling] = {"development": "lines", "production": "adaptive"}


def _is_database_url(text: str) -> bool:
    parts = urlsplit(text)
    # asyncpg takes several hosts, each with a port of its own; urlsplit would take them for one bad port.
    return parts.scheme in ("postgresql", "postgres") and ("," in parts.netloc or parts.port != 0)


def _is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0


_MEGABYTES = number_above_0("megabytes", most=10**9)
_INTERVAL = number_above_0("seconds", most=366 * 86400)
_HOST = word("it must be an address or a host name, without spaces", str.isascii)
_DATABASE = word("it must be an address like postgresql://user:password@host:5432/name", _is_database_url)
_WEB_ADDRESS = word("it must be an address like https://host/path", _is_web_address)
_TOKEN = word("it must be ASCII characters without spaces, since it travels in a header", str.isascii)


def _env(
    name: str, kind: ValueKind, meaning: str, *, secret: bool = False, unset: str | None = None
) -> Mapping[str, Variable]:
    """Return the metadata of a field; `unset` says what holds by default, if the default itself does not tell."""
    return {"variable": Variable(name=name, kind=kind, meaning=meaning, secret=secret, unset=unset)}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """What the service runs with. Made without arguments it holds the defaults of a development machine."""

    environment: Environment = field(
        default="development",
        metadata=_env(
            "ENVIRONMENT",
            one_of(Environment),
            "production closes the debug routes, health apart, to requests without the token",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_env("HOST", _HOST, "address the service listens on; a container needs 0.0.0.0"),
    )
    port: int = field(
        default=8080,
        metadata=_env("PORT", whole_number(0, 65535), "port it listens on; 0 takes a free one"),
    )
    database_url: str | None = field(
        default=None,
        metadata=_env(
            "DATABASE_URL",
            _DATABASE,
            "PostgreSQL to keep the data in",
            secret=True,
            unset="a server of its own, run beside the service (extra `embedded`)",
        ),
    )
    data_dir: Path = field(
        default=Path(".volaris"),
        metadata=_env("VOLARIS_DATA_DIR", folder(), "folder in which the embedded server keeps its files"),
    )
    scheduler_enabled: bool = field(
        default=True,
        metadata=_env("SCHEDULER_ENABLED", switch(), "whether jobs run by themselves"),
    )
    market_source: MarketSource = field(
        default="simulated",
        metadata=_env(
            "MARKET_SOURCE",
            one_of(MarketSource),
            "where quotes come from; replay needs the extra `replay`, cboe the network",
        ),
    )
    cboe_url: str | None = field(
        default=None,
        metadata=_env("CBOE_URL", _WEB_ADDRESS, "address of the delayed-quotes feed", unset="Cboe's own address"),
    )
    market_hours: MarketHours = field(
        default="nyse",
        metadata=_env(
            "MARKET_HOURS",
            one_of(MarketHours),
            "when prices and options are fetched: while the NYSE trades, or always; made-up sources never close",
        ),
    )
    realtime_sync_batch_size: int = field(
        default=25,
        metadata=_env(
            "REALTIME_SYNC_BATCH_SIZE", whole_number(1, 1000), "symbols fetched and stored in one transaction"
        ),
    )
    prices_interval_s: float = field(
        default=120,
        metadata=_env("PRICES_INTERVAL_S", _INTERVAL, "seconds from one sync of the prices to the next"),
    )
    options_interval_s: float = field(
        default=1800,
        metadata=_env("OPTIONS_INTERVAL_S", _INTERVAL, "seconds from one sync of the options to the next"),
    )
    iv_interval_s: float = field(
        default=3600,
        metadata=_env("IV_INTERVAL_S", _INTERVAL, "seconds from one computation of volatilities to the next"),
    )
    constituents_interval_s: float = field(
        default=86400,
        metadata=_env("CONSTITUENTS_INTERVAL_S", _INTERVAL, "seconds from one sync of the index's members to the next"),
    )
    options_strike_range: float = field(
        default=0.3,
        metadata=_env(
            "OPTIONS_STRIKE_RANGE",
            fraction(0.01, 1.0),
            "strikes that are kept, as far as this share of the spot price from it",
        ),
    )
    options_max_expirations: int = field(
        default=8,
        metadata=_env("OPTIONS_MAX_EXPIRATIONS", whole_number(1, 100), "the nearest expirations that are kept"),
    )
    prices_kept_days: int = field(
        default=30,
        metadata=_env("PRICES_KEPT_DAYS", whole_number(1, 3650), "days after which prices are dropped"),
    )
    options_kept_days: int = field(
        default=7,
        metadata=_env("OPTIONS_KEPT_DAYS", whole_number(1, 3650), "days after which option chains are dropped"),
    )
    risk_free_rate: float = field(
        default=0.04,
        metadata=_env(
            "RISK_FREE_RATE",
            fraction(0.0, 0.5),
            "interest a year, continuously compounded, that implied volatilities are computed with",
        ),
    )
    memory_limit_mb: float | None = field(
        default=None,
        metadata=_env(
            "MEMORY_LIMIT_MB",
            _MEGABYTES,
            "memory the service may use; what it reports in per cent is of this",
            unset="the container's limit, else the machine's memory",
        ),
    )
    profiling: Profiling = field(
        default=PROFILING_IN["development"],
        metadata=_env(
            "PROFILING",
            one_of(Profiling),
            "what is measured of each run",
            unset="lines in development, adaptive in production",
        ),
    )
    profiling_budget_mb: float = field(
        default=64,
        metadata=_env(
            "PROFILING_BUDGET_MB",
            _MEGABYTES,
            "memory that reading the traces of a run may take for a moment; if it would take more, they are not read",
        ),
    )
    profiling_exclusive: bool = field(
        default=True,
        metadata=_env("PROFILING_EXCLUSIVE", switch(), "whether a run profiled by lines keeps other jobs waiting"),
    )
    debug_token: str | None = field(
        default=None,
        metadata=_env(
            "DEBUG_TOKEN",
            _TOKEN,
            "opens the debug routes in production to requests with `Authorization: Bearer`",
            secret=True,
            unset="nobody gets in",
        ),
    )
    log_format: LogFormat = field(
        default="text", metadata=_env("LOG_FORMAT", one_of(LogFormat), "text for people, json for machines")
    )
    log_level: LogLevel = field(
        default="INFO", metadata=_env("LOG_LEVEL", one_of(LogLevel), "the least severe that is logged")
    )

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the settings of this process, or of `environment` alone if it is given.

        By default they come from environment variables, then `.env` in the working directory, then defaults. An empty
        value counts as unset. Raises SettingError, whose one line names the variable, its value (a secret's is not
        shown) and what fits.
        """
        texts = environment_with_file(Path(".env")) if environment is None else without_blanks(environment)
        given = {name: variable.value_in(texts) for name, variable in variables().items() if variable.name in texts}
        profiling = PROFILING_IN[given.get("environment", "development")]
        return cls(**{"profiling": profiling} | given)

    def __repr__(self) -> str:
        """Return every field; secrets appear only as set or not."""
        shown = {name: getattr(self, name) for name in variables()}
        masked = (
            f"{name}={'***' if variable.secret and shown[name] is not None else repr(shown[name])}"
            for name, variable in variables().items()
        )
        return f"Settings({', '.join(masked)})"


def variables() -> dict[str, Variable]:
    """Return the variable behind each field of Settings, by the field's name, in the order of the documentation."""
    return {setting.name: setting.metadata["variable"] for setting in fields(Settings)}
