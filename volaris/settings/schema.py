"""Every setting with its variable, its default and its accepted values, and the record that the service runs with."""

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
    several,
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

# The default of PROFILING: exact lines take up to 11 times the run time, which is too much for production.
PROFILING_IN: Mapping[Environment, Profiling] = {"development": "lines", "production": "adaptive"}


def _is_database_url(text: str) -> bool:
    parts = urlsplit(text)
    # asyncpg accepts several hosts, each with its own port, which urlsplit would read as one wrong port.
    return parts.scheme in ("postgresql", "postgres") and ("," in parts.netloc or parts.port != 0)


def _is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0


def _is_public_key(text: str) -> bool:
    # `fromhex` would skip blanks.
    return len(text) == 64 and len(bytes.fromhex(text)) == 32


def _is_discord_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 15 <= len(text) <= 20


_MEGABYTES = number_above_0("megabytes", most=10**9)
_INTERVAL = number_above_0("seconds", most=366 * 86400)
_HOST = word("it must be an address or a host name, without spaces", str.isascii)
_DATABASE = word("it must be an address like postgresql://user:password@host:5432/name", _is_database_url)
_WEB_ADDRESS = word("it must be an address like https://host/path", _is_web_address)
_TOKEN = word("it must be ASCII text without spaces, because it is sent in a header", str.isascii)

_PUBLIC_KEY = word("it must be 64 hexadecimal digits, as Discord's developer portal shows them", _is_public_key)
_DISCORD_ID = word("it must be an id of Discord, which has 15 to 20 digits", _is_discord_id)
_DISCORD_IDS = several("it must be ids of Discord, of 15 to 20 digits, separated by commas", _is_discord_id)


def _env(
    name: str, kind: ValueKind, meaning: str, *, secret: bool = False, unset: str | None = None
) -> Mapping[str, Variable]:
    """Return the metadata of a field; `unset` describes the default if the field's default does not tell."""
    return {"variable": Variable(name=name, kind=kind, meaning=meaning, secret=secret, unset=unset)}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """The settings of the service. Without arguments, it has the defaults for a development machine."""

    environment: Environment = field(
        default="development",
        metadata=_env(
            "ENVIRONMENT",
            one_of(Environment),
            "in production, all debug routes but health refuse requests without the token",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_env("HOST", _HOST, "address that the service listens on; a container needs 0.0.0.0"),
    )
    port: int = field(
        default=8080,
        metadata=_env("PORT", whole_number(0, 65535), "port that the service listens on; 0 chooses a free one"),
    )
    database_url: str | None = field(
        default=None,
        metadata=_env(
            "DATABASE_URL",
            _DATABASE,
            "address of the PostgreSQL database",
            secret=True,
            unset="an embedded server, which runs beside the service (extra `embedded`)",
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
            "source of the quotes; replay needs the extra `replay`, and cboe needs the network",
        ),
    )
    cboe_url: str | None = field(
        default=None,
        metadata=_env("CBOE_URL", _WEB_ADDRESS, "address of Cboe's delayed quotes", unset="Cboe's own address"),
    )
    market_hours: MarketHours = field(
        default="nyse",
        metadata=_env(
            "MARKET_HOURS",
            one_of(MarketHours),
            "when to fetch prices and options: while the NYSE trades, or always; made-up sources never close",
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
            "strikes that are kept: those within this share of the spot price",
        ),
    )
    options_max_expirations: int = field(
        default=8,
        metadata=_env("OPTIONS_MAX_EXPIRATIONS", whole_number(1, 100), "the nearest expirations that are kept"),
    )
    demand_at_once: int = field(
        default=4,
        metadata=_env(
            "DEMAND_AT_ONCE",
            whole_number(1, 100),
            "fetches on demand that run at the same time; further ones wait for their turn",
        ),
    )
    demand_timeout_s: float = field(
        default=10,
        metadata=_env(
            "DEMAND_TIMEOUT_S",
            number_above_0("seconds", most=300),
            "time limit of a fetch on demand, with the wait for its turn, and 2.5 times as long for all members of the "
            "index; then the stored data are answered",
        ),
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
            "annual interest rate for implied volatilities, continuously compounded",
        ),
    )
    memory_limit_mb: float | None = field(
        default=None,
        metadata=_env(
            "MEMORY_LIMIT_MB",
            _MEGABYTES,
            "memory that the service may use, in MB; percentages are of this limit",
            unset="the container's limit, else the machine's memory",
        ),
    )
    profiling: Profiling = field(
        default=PROFILING_IN["development"],
        metadata=_env(
            "PROFILING",
            one_of(Profiling),
            "level of profiling: how closely each run is measured",
            unset="lines in development, adaptive in production",
        ),
    )
    profiling_budget_mb: float = field(
        default=64,
        metadata=_env(
            "PROFILING_BUDGET_MB",
            _MEGABYTES,
            "memory in MB for reading the traces of a run; if that would take more, the run has no exact lines",
        ),
    )
    profiling_state_dir: Path | None = field(
        default=None,
        metadata=_env(
            "PROFILING_STATE_DIR",
            folder(),
            "folder in which the timeline of the memory outlives a restart",
            unset="none; the timeline begins with the process",
        ),
    )
    profiling_exclusive: bool = field(
        default=True,
        metadata=_env(
            "PROFILING_EXCLUSIVE", switch(), "whether other jobs wait while a run with exact lines is running"
        ),
    )
    debug_token: str | None = field(
        default=None,
        metadata=_env(
            "DEBUG_TOKEN",
            _TOKEN,
            "token for the debug routes in production, sent as `Authorization: Bearer`",
            secret=True,
            unset="all requests are refused",
        ),
    )
    metrics_token: str | None = field(
        default=None,
        metadata=_env(
            "METRICS_TOKEN",
            _TOKEN,
            "token for `/metrics` alone, which a scraper sends as `Authorization: Bearer`",
            secret=True,
            unset="none; `/metrics` answers as every debug route",
        ),
    )
    discord_public_key: str | None = field(
        default=None,
        metadata=_env(
            "DISCORD_PUBLIC_KEY",
            _PUBLIC_KEY,
            "public key of the Discord application, which turns the commands in Discord on (extra `discord`)",
            unset="none; there are no commands",
        ),
    )
    discord_application_id: str | None = field(
        default=None,
        metadata=_env(
            "DISCORD_APPLICATION_ID",
            _DISCORD_ID,
            "id of the Discord application, for `volaris discord register`",
            unset="none; commands cannot be registered",
        ),
    )
    discord_token: str | None = field(
        default=None,
        metadata=_env(
            "DISCORD_TOKEN",
            _TOKEN,
            "token of the application's bot, for `volaris discord register`; the service does not need it",
            secret=True,
            unset="none; commands cannot be registered",
        ),
    )
    discord_api_url: str = field(
        default="https://discord.com/api/v10",
        metadata=_env("DISCORD_API_URL", _WEB_ADDRESS, "address of Discord's HTTP API"),
    )
    discord_admins: tuple[str, ...] = field(
        default=(),
        metadata=_env("DISCORD_ADMINS", _DISCORD_IDS, "ids of the Discord users who may use `/status`", unset="nobody"),
    )
    log_format: LogFormat = field(
        default="text", metadata=_env("LOG_FORMAT", one_of(LogFormat), "text for people, json for programs")
    )
    log_level: LogLevel = field(
        default="INFO", metadata=_env("LOG_LEVEL", one_of(LogLevel), "lowest level that is logged")
    )

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the settings of this process, or only those in `environment` if it is given.

        By default they come from environment variables, then from `.env` in the working directory, then from the
        defaults. An empty value counts as unset. Raises SettingError, whose single line names the variable, its value
        (unless it is a secret), and the accepted values.
        """
        texts = environment_with_file(Path(".env")) if environment is None else without_blanks(environment)
        given = {name: variable.value_in(texts) for name, variable in variables().items() if variable.name in texts}
        profiling = PROFILING_IN[given.get("environment", "development")]
        return cls(**{"profiling": profiling} | given)

    def __repr__(self) -> str:
        """Return every field; of a secret, only whether it is set."""
        shown = {name: getattr(self, name) for name in variables()}
        masked = (
            f"{name}={'***' if variable.secret and shown[name] is not None else repr(shown[name])}"
            for name, variable in variables().items()
        )
        return f"Settings({', '.join(masked)})"


def variables() -> dict[str, Variable]:
    """Return the variable behind each field of Settings, by the field's name, in the order of the documentation."""
    return {setting.name: setting.metadata["variable"] for setting in fields(Settings)}
