"""Settings: their defaults, where values come from, and what is never shown."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from volaris.errors import SettingError
from volaris.settings import Settings, Variable, variables

SECRET = "hunter2"


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, without a `.env`; none of our variables is set."""
    for variable in variables().values():
        monkeypatch.delenv(variable.name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_set_gives_the_documented_defaults(empty_folder: Path) -> None:
    assert Settings.load() == Settings(
        environment="development",
        host="127.0.0.1",
        port=8080,
        database_url=None,
        data_dir=Path(".volaris"),
        scheduler_enabled=True,
        market_source="simulated",
        cboe_url=None,
        market_hours="nyse",
        realtime_sync_batch_size=25,
        prices_interval_s=120,
        options_interval_s=1800,
        iv_interval_s=3600,
        constituents_interval_s=86400,
        options_strike_range=0.3,
        options_max_expirations=8,
        prices_kept_days=30,
        options_kept_days=7,
        risk_free_rate=0.04,
        memory_limit_mb=None,
        profiling="lines",
        profiling_budget_mb=64,
        profiling_state_dir=None,
        profiling_exclusive=True,
        debug_token=None,
        metrics_token=None,
        log_format="text",
        log_level="INFO",
    )


def test_of_a_long_wrong_value_only_the_beginning_is_shown() -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load({"PORT": "9" * 10_000})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("environment", "profiling"), [("development", "lines"), ("production", "adaptive")])
def test_what_is_profiled_by_default_depends_on_the_environment(environment: str, profiling: str) -> None:
    assert Settings.load({"ENVIRONMENT": environment}).profiling == profiling
    assert Settings.load({"ENVIRONMENT": environment, "PROFILING": "counters"}).profiling == "counters"


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_value_counts_as_unset(blank: str) -> None:
    assert Settings.load({variable.name: blank for variable in variables().values()}) == Settings()


def test_blanks_around_a_value_do_not_matter() -> None:
    assert Settings.load({"PORT": " 9000 ", "LOG_LEVEL": "debug\n"}) == Settings(port=9000, log_level="DEBUG")


def test_variables_of_other_programs_are_ignored() -> None:
    assert Settings.load({"PATH": "/usr/bin", "port": "1"}) == Settings()


def test_the_environment_wins_over_the_file_and_a_blank_in_it_leaves_the_file_its_say(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / ".env").write_text("PORT=9000\nHOST=::1\nMARKET_SOURCE='replay' # bars\nLOG_FORMAT=\nIGNORED\n")
    monkeypatch.setenv("PORT", "9001")
    monkeypatch.setenv("HOST", "")
    assert Settings.load() == Settings(port=9001, host="::1", market_source="replay")


def test_the_file_is_taken_as_it_stands_and_stays_out_of_the_environment_of_children(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME_OF_MINE", "expanded")
    (empty_folder / ".env").write_text("DEBUG_TOKEN=a${HOME_OF_MINE}$b\n")
    assert Settings.load().debug_token == "a${HOME_OF_MINE}$b"
    assert "DEBUG_TOKEN" not in os.environ


def test_a_file_in_a_folder_above_is_not_read(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / ".env").write_text("PORT=9000\n")
    (empty_folder / "below").mkdir()
    monkeypatch.chdir(empty_folder / "below")
    assert Settings.load() == Settings()


def test_a_wrong_value_in_the_file_is_refused_like_one_in_the_environment(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("PORT=many\n")
    with pytest.raises(SettingError, match=r"^PORT='many' cannot be used: it must be a whole number from 0 to 65535$"):
        Settings.load()


def test_a_file_that_is_no_text_is_refused_without_its_bytes(empty_folder: Path) -> None:
    (empty_folder / ".env").write_bytes(b"DEBUG_TOKEN=hunter2\xff\n")
    message = r"^\.env cannot be used: it must be a readable UTF-8 file \(UnicodeDecodeError\)$"
    with pytest.raises(SettingError, match=message):
        Settings.load()


def test_given_values_stand_in_for_the_environment_and_the_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / ".env").write_text("PORT=9000\n")
    monkeypatch.setenv("HOST", "::1")
    assert Settings.load({}) == Settings()


def test_repr_shows_every_field_but_no_secret() -> None:
    settings = Settings(database_url=f"postgresql://u:{SECRET}@db/x", debug_token=SECRET, port=9000)
    text = repr(settings)
    assert SECRET not in text
    assert SECRET not in f"{settings}"
    assert "database_url=***, " in text
    assert "debug_token=***, " in text
    assert "port=9000, " in text
    assert all(f"{field}=" in text for field in variables())


def test_repr_tells_that_a_secret_is_not_set() -> None:
    assert "debug_token=None" in repr(Settings())


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_settings_can_be_replaced_field_by_field() -> None:
    assert replace(Settings(), port=0).port == 0


@pytest.mark.parametrize("variable", variables().values(), ids=lambda variable: variable.name)
def test_every_variable_is_described_in_one_line(variable: Variable) -> None:
    for text in (variable.meaning, variable.kind.fits, variable.unset or "-"):
        assert len(text.splitlines()) == 1
