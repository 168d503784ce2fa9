"""What each variable takes and what it refuses, and in which words."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volaris.errors import SettingError
from volaris.settings import Settings, Variable, variables

SECRET = "hunter2"

# For each field: texts that fit with the value they stand for, and texts that do not fit. Bounds from both sides.
FITS: dict[str, list[tuple[str, Any]]] = {
    "environment": [("development", "development"), ("production", "production"), ("Production", "production")],
    "host": [("0.0.0.0", "0.0.0.0"), ("::1", "::1"), ("volaris.internal", "volaris.internal")],
    "port": [("0", 0), ("8081", 8081), ("65535", 65535)],
    "database_url": [
        (url, url)
        for url in (
            "postgresql://u:p@db:5432/volaris",
            "postgres://db/volaris",
            "postgresql:///volaris?host=/run/postgresql",
            "postgresql://one:5432,two:5433/volaris",
        )
    ],
    "data_dir": [("/var/lib/volaris", Path("/var/lib/volaris")), ("data here", Path("data here"))],
    "scheduler_enabled": [(text, True) for text in ("true", "1", "yes", "on")]
    + [(text, False) for text in ("false", "0", "no", "off")],
    "market_source": [(word, word) for word in ("simulated", "replay", "cboe")] + [("CBOE", "cboe")],
    "cboe_url": [(url, url) for url in ("http://127.0.0.1:8999", "https://feed.example/quotes")],
    "market_hours": [("nyse", "nyse"), ("Always", "always")],
    "realtime_sync_batch_size": [("1", 1), ("1000", 1000)],
    "prices_interval_s": [("0.001", 0.001), ("31622400", 31622400.0)],
    "options_interval_s": [("1800", 1800.0)],
    "iv_interval_s": [("3600", 3600.0)],
    "constituents_interval_s": [("86400", 86400.0)],
    "options_strike_range": [("0.01", 0.01), ("1", 1.0)],
    "options_max_expirations": [("1", 1), ("100", 100)],
    "demand_at_once": [("1", 1), ("100", 100)],
    "demand_timeout_s": [("0.5", 0.5), ("300", 300.0)],
    "prices_kept_days": [("1", 1), ("3650", 3650)],
    "options_kept_days": [("1", 1), ("3650", 3650)],
    "risk_free_rate": [("0", 0.0), ("0.5", 0.5)],
    "memory_limit_mb": [("512", 512.0), ("0.5", 0.5)],
    "profiling": [(word, word) for word in ("off", "counters", "samples", "lines", "stacks", "adaptive")]
    + [("Lines", "lines")],
    "profiling_budget_mb": [("64", 64.0), ("0.5", 0.5)],
    "profiling_state_dir": [("/var/lib/profiling", Path("/var/lib/profiling"))],
    "profiling_exclusive": [("true", True), ("false", False)],
    "debug_token": [(SECRET, SECRET)],
    "metrics_token": [(SECRET, SECRET)],
    "discord_public_key": [("0f" * 32, "0f" * 32), ("AB" * 32, "AB" * 32)],
    "discord_application_id": [("1" * 15, "1" * 15), ("9" * 20, "9" * 20)],
    "discord_token": [(SECRET, SECRET)],
    "discord_api_url": [("http://127.0.0.1:8999", "http://127.0.0.1:8999")],
    "discord_admins": [("1" * 15, ("1" * 15,)), (f"{'1' * 18}, {'9' * 20}", ("1" * 18, "9" * 20))],
    "log_format": [("text", "text"), ("json", "json"), ("JSON", "json")],
    "log_level": [("DEBUG", "DEBUG"), ("warning", "WARNING"), ("CRITICAL", "CRITICAL")],
}
REFUSED: dict[str, list[str]] = {
    "environment": ["staging"],
    "host": ["not a host", "höst"],
    "port": ["-1", "65536", "80.5", "http", "1 2"],
    "database_url": [
        f"mysql://u:{SECRET}@db/x",
        f"postgresql://u:{SECRET}@db:port/x",
        f"postgresql://u:{SECRET}@db:0/x",
        f"postgresql://u:{SECRET}@[db/x",
        f"postgresql://u:{SECRET}\n@db/x",
        SECRET,
    ],
    "data_dir": [],  # any text is the name of some folder
    "scheduler_enabled": ["maybe", "2"],
    "market_source": ["yahoo"],
    "cboe_url": ["ftp://feed", "http://", "cdn.cboe.com", "http://h:99999"],
    "market_hours": ["london"],
    "realtime_sync_batch_size": ["0", "1001", "25.0"],
    "prices_interval_s": ["0", "-1", "31622400.5", "nan", "inf", "2 min"],
    "options_interval_s": ["0"],
    "iv_interval_s": ["0"],
    "constituents_interval_s": ["0"],
    "options_strike_range": ["0.009", "1.01", "30%", "nan"],
    "options_max_expirations": ["0", "101"],
    "demand_at_once": ["0", "101", "2.5"],
    "demand_timeout_s": ["0", "301", "nan", "soon"],
    "prices_kept_days": ["0", "3651"],
    "options_kept_days": ["0", "a week"],
    "risk_free_rate": ["-0.01", "0.51", "4%"],
    "memory_limit_mb": ["0", "-512", "inf", "512MB"],
    "profiling": ["sample", "on"],
    "profiling_budget_mb": ["0", "-1", "much"],
    "profiling_state_dir": [],
    "profiling_exclusive": ["sometimes"],
    "debug_token": [f"{SECRET} {SECRET}", f"{SECRET}é", f"{SECRET}\n{SECRET}"],
    "metrics_token": [f"{SECRET} {SECRET}", f"{SECRET}é", f"{SECRET}\n{SECRET}"],
    "discord_public_key": ["0f" * 31, "0f" * 32 + "0", "0g" * 32, f"{'0f' * 15} {'0f' * 16}0"],
    "discord_application_id": ["1" * 14, "1" * 21, "volaris#1234", "²" * 16],
    "discord_token": [f"{SECRET} {SECRET}", f"{SECRET}é"],
    "discord_api_url": ["discord.com/api/v10", "ftp://discord.com"],
    "discord_admins": ["nobody", f"{'1' * 18} {'2' * 18}", f"{'1' * 18},", "1" * 21],
    "log_format": ["xml"],
    "log_level": ["LOUD", "10"],
}


def test_the_tables_of_this_test_have_every_field() -> None:
    assert list(FITS) == list(variables())
    assert list(REFUSED) == list(variables())


@pytest.mark.parametrize(
    ("field", "text", "value"), [(field, text, value) for field, rows in FITS.items() for text, value in rows]
)
def test_a_text_that_fits_becomes_its_value(field: str, text: str, value: object) -> None:
    settings = Settings.load({variables()[field].name: text})
    assert getattr(settings, field) == value
    assert type(getattr(settings, field)) is type(value)


@pytest.mark.parametrize(("field", "text"), [(field, text) for field, texts in REFUSED.items() for text in texts])
def test_a_text_that_does_not_fit_is_refused_in_one_line_that_says_what_does(field: str, text: str) -> None:
    variable = variables()[field]
    with pytest.raises(SettingError) as caught:
        Settings.load({variable.name: text})
    message = str(caught.value)
    value = "" if variable.secret else f"={text!r}"
    assert message == f"{variable.name}{value} cannot be used: {variable.kind.fits}"
    assert len(message.splitlines()) == 1
    assert caught.value.variable == variable.name
    if variable.secret:
        assert SECRET not in "".join(traceback.format_exception(caught.value))


@settings(deadline=None)
@given(st.integers(0, 65535))
def test_every_port_is_read_as_it_is_written(port: int) -> None:
    assert Settings.load({"PORT": str(port)}).port == port


@settings(deadline=None)
@given(st.floats(0, 366 * 86400, exclude_min=True))
def test_every_interval_is_read_as_it_is_written(interval_s: float) -> None:
    assert Settings.load({"PRICES_INTERVAL_S": repr(interval_s)}).prices_interval_s == interval_s


@settings(deadline=None)
@given(st.sampled_from(list(variables().values())), st.text())
def test_any_text_at_all_is_either_taken_or_refused_in_one_line(variable: Variable, text: str) -> None:
    refusal = ""
    try:
        Settings.load({variable.name: text})
    except SettingError as error:
        refusal = str(error)
    assert len(refusal.splitlines()) <= 1
    assert not refusal or refusal.startswith(variable.name)
