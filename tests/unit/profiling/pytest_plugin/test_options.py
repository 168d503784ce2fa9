"""The options, from each of the places where a user sets them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from profiling.pytest_plugin.options import OPTIONS, Option, Options, parse_count, parse_switch
from tests.unit.profiling.pytest_plugin.pytests import outcomes, run

DEFAULTS = {
    "is_on": "False",
    "limit": "None",
    "runs": "8",
    "warmup": "2",
    "tolerance": "4.0 KB",
    "compare_fail": "",
    "report": "None",
}
VALUES = {  # the option: what is given, the field that has it, and how that is shown
    "memory": ("true", "is_on", "True"),
    "memory_limit": ("24 MB", "limit", "24.0 MB"),
    "memory_leak_runs": ("9", "runs", "9"),
    "memory_leak_warmup": ("3", "warmup", "3"),
    "memory_leak_tolerance": ("30 KiB", "tolerance", "30.0 KiB"),
    "benchmark_memory_compare_fail": ("peak:10%,blocks:5", "compare_fail", "peak:10% blocks:5"),
    "memory_report": ("/reports", "report", "/reports"),
}
WAYS = ["command line", "environment", "ini file", "TOML file"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of the tests has; and no plugin is loaded that is not named."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


def read(pytester: pytest.Pytester, *arguments: str) -> dict[str, str]:
    """The fields of what was read, as text."""
    options = Options.read(pytester.parseconfigure("-p", "profiling", *arguments))
    shown = {name: str(getattr(options, name)) for name in DEFAULTS}
    return shown | {"compare_fail": " ".join(map(str, options.compare_fail))}


def given(
    way: str, option: Option, value: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """Set it there; gives what belongs on the command line."""
    if way == "command line":
        return (option.flag,) if option.is_switch else (f"{option.flag}={value}",)
    if way == "environment":
        monkeypatch.setenv(option.variable, value)
    elif way == "ini file":
        pytester.makeini(f"[pytest]\n{option.name} = {value}\n")
    else:
        typed = value if value == "true" or value.isdecimal() else f'"{value}"'
        pytester.makepyprojecttoml(f"[tool.pytest.ini_options]\n{option.name} = {typed}\n")
    return ()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_is_read_from_everywhere(
    way: str, option: Option, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, field, shown = VALUES[option.name]
    arguments = given(way, option, value, pytester, monkeypatch)
    assert read(pytester, *arguments) == DEFAULTS | {field: shown}


def test_nothing_set_means_the_defaults(pytester: pytest.Pytester) -> None:
    assert read(pytester) == DEFAULTS


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_empty_variable_and_empty_line_are_as_if_not_set(
    option: Option, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(option.variable, "")
    pytester.makeini(f"[pytest]\n{option.name} =\n")
    assert read(pytester) == DEFAULTS


SWITCH, LIMIT, RUNS, WARMUP, TOLERANCE, COMPARE_FAIL, REPORT = OPTIONS


@pytest.mark.parametrize(
    ("option", "values"),
    [
        (LIMIT, ("1.0 MB", "2.0 MB", "3.0 MB")),
        (RUNS, ("5", "6", "7")),
        (WARMUP, ("5", "6", "7")),
        (TOLERANCE, ("1.0 KB", "2.0 KB", "3.0 KB")),
        (COMPARE_FAIL, ("peak:1%", "retained:2000 B", "blocks:3")),
        (REPORT, ("/reports/1", "/reports/2", "/reports/3")),
    ],
    ids=lambda value: value.name if isinstance(value, Option) else "",
)
def test_command_line_goes_before_the_environment_and_that_before_the_ini_file(
    option: Option, values: tuple[str, str, str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = VALUES[option.name][1]
    in_ini, in_environment, on_command_line = values
    pytester.makeini(f"[pytest]\n{option.name} = {in_ini}\n")
    assert read(pytester)[field] == in_ini
    monkeypatch.setenv(option.variable, in_environment)
    assert read(pytester)[field] == in_environment
    assert read(pytester, f"{option.flag}={on_command_line}")[field] == on_command_line


def test_environment_may_switch_off_what_the_ini_file_switches_on_and_the_command_line_on_again(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\nmemory = on\n")
    assert read(pytester)["is_on"] == "True"
    monkeypatch.setenv(SWITCH.variable, "0")
    assert read(pytester)["is_on"] == "False"
    assert read(pytester, "--memory")["is_on"] == "True"


def test_compare_fail_may_be_given_again_and_as_a_list_or_as_lines(pytester: pytest.Pytester) -> None:
    twice = read(pytester, f"{COMPARE_FAIL.flag}=peak:10%", f"{COMPARE_FAIL.flag}=blocks:5,retained:1 B")
    assert twice["compare_fail"] == "peak:10% blocks:5 retained:1 B"
    pytester.makeini(f"[pytest]\n{COMPARE_FAIL.name} =\n    peak:10%\n    blocks:5\n")
    assert read(pytester)["compare_fail"] == "peak:10% blocks:5"


def test_compare_fail_may_be_a_list_in_a_toml_file(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(f'[tool.pytest.ini_options]\n{COMPARE_FAIL.name} = ["peak:10%", "blocks:5"]\n')
    assert read(pytester)["compare_fail"] == "peak:10% blocks:5"


@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "ON"])
def test_words_for_yes(word: str) -> None:
    assert parse_switch(word) is True


@pytest.mark.parametrize("word", ["false", "0", "no", "Off"])
def test_words_for_no(word: str) -> None:
    assert parse_switch(word) is False


@pytest.mark.parametrize(("text", "count"), [("1", 1), ("08", 8), ("10000", 10_000)])
def test_counts_from_one_up(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("way", ["command line", "environment", "ini file"])
@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        (LIMIT, "much", "'much' is not a size"),
        (LIMIT, "-1 MB", "'-1 MB' is a negative size; write 0 or more"),
        (RUNS, "none", "'none' is not a whole number from 1 to 10000"),
        (RUNS, "10001", "'10001' is not a whole number from 1 to 10000"),
        (WARMUP, "0", "'0' is not a whole number from 1 to 10000"),
        (TOLERANCE, "4 apples", "'4 apples' is not a size"),
        (COMPARE_FAIL, "peek:10%", "'peek:10%' is not of the form FIELD:GROWTH, like 'peak:10%'"),
        (COMPARE_FAIL, "peak:lots", "'peak:lots': 'lots' is not a size"),
    ],
    ids=lambda value: value.name if isinstance(value, Option) else value.split(":")[0],
)
def test_value_that_does_not_fit_stops_the_session_and_says_where_it_was_set(
    way: str,
    option: Option,
    value: str,
    told: str,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = given(way, option, value, pytester, monkeypatch)
    where = {"command line": option.flag, "environment": option.variable, "ini file": f"{option.name} in the ini file"}
    with pytest.raises(pytest.UsageError, match=re.escape(f"{where[way]}: {told}")):
        pytester.parseconfigure("-p", "profiling", *arguments)


@pytest.mark.parametrize("way", ["environment", "ini file"])
def test_switch_that_is_neither_stops_the_session(
    way: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(way, SWITCH, "perhaps", pytester, monkeypatch)
    with pytest.raises(pytest.UsageError, match="'perhaps' is not a switch; write true or false"):
        pytester.parseconfigure("-p", "profiling")


def test_user_is_told_so_before_any_test_runs(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_one():\n    pass\n", "--memory-leak-runs=none")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == ("ERROR: --memory-leak-runs: 'none' is not a whole number from 1 to 10000")


def test_help_tells_each_option_with_its_default_and_its_variable(pytester: pytest.Pytester) -> None:
    text = " ".join(run(pytester, "", "--help").stdout.str().split())
    for option in OPTIONS:
        assert option.flag in text
        told = f"{option.meaning} (default: {option.default or 'none'}; environment variable: {option.variable})"
        assert text.count(told) == 2, "among the options, and among those of the ini file"


def test_page_has_each_option_with_its_names_and_its_default() -> None:
    page = (Path(__file__).parents[4] / "docs" / "pytest.md").read_text()
    for option in OPTIONS:
        default = "`false`" if option.is_switch else option.default or "none"
        assert f"| `{option.name}` | `{option.flag}` | `{option.variable}` | {default} |\n" in page


ONE = """
import pytest

kept = []

@pytest.mark.no_leaks
def test_leaks():
    kept.append(bytes(20_000))

def test_large():
    bytes(3_000_000)
"""


@pytest.mark.parametrize(("tolerance", "outcome"), [("30 KB", "PASSED"), ("10 KB", "FAILED")])
def test_tolerance_of_the_environment_decides(
    tolerance: str, outcome: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH.variable, "yes")
    monkeypatch.setenv(TOLERANCE.variable, tolerance)
    assert outcomes(run(pytester, ONE)) == {"test_leaks": outcome, "test_large": "PASSED"}


def test_limit_of_the_ini_file_is_for_every_test_without_one_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmemory = true\nmemory_limit = 2 MB\nmemory_leak_tolerance = 30 KB\n")
    result = run(pytester, ONE)
    assert outcomes(result) == {"test_leaks": "PASSED", "test_large": "FAILED"}
    result.stdout.re_match_lines(
        [r"the test reached 3\.0 MB, over the limit of 2\.0 MB; 3\.0 MB at test_memory\.py:11"]
    )


def test_runs_and_warmup_of_the_command_line_decide_how_often_a_test_runs(pytester: pytest.Pytester) -> None:
    text = """
import pytest

calls = []

@pytest.mark.no_leaks
def test_steady():
    calls.append(1)

def test_how_often_it_ran():
    assert len(calls) == 48
"""
    # So many that no more follow: a quick test is run 40 times in any case.
    result = run(pytester, text, "--memory", "--memory-leak-runs=44", "--memory-leak-warmup=4")
    assert set(outcomes(result).values()) == {"PASSED"}
