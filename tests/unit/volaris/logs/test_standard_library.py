"""Loggers of the standard library come out on the same way."""

from __future__ import annotations

import logging

import pytest

from tests.unit.volaris.logs.lines import lines_logged, raised, without_time
from volaris.logs import setup_logging


def test_the_standard_library_logs_with_its_loggers_name_as_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    logging.getLogger("aiohttp.access").info('%s "GET / HTTP/1.1" %d', "127.0.0.1", 200)
    logging.getLogger("asyncio").error("two\nlines")
    assert [without_time(line) for line in lines_logged(capsys)] == [
        'INFO - aiohttp.access - 127.0.0.1 "GET / HTTP/1.1" 200',
        r"ERROR - asyncio - two\nlines",
    ]


def test_a_traceback_of_the_standard_library_stands_below_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    logging.getLogger("profiling").error("unexpected", exc_info=raised(KeyError("x")))
    first, *below = lines_logged(capsys)
    assert without_time(first) == "ERROR - profiling - unexpected"
    assert below[-1] == "KeyError: 'x'"


def test_exc_info_without_an_exception_adds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    logging.getLogger("lib").error("odd", exc_info=True)  # noqa: LOG014  what libraries do
    assert [without_time(line) for line in lines_logged(capsys)] == ["ERROR - lib - odd"]


def test_a_level_that_only_the_standard_library_knows_is_logged_by_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("INFO", "text")
    logging.getLogger("lib").log(25, "notable")
    assert without_time(lines_logged(capsys)[0]) == "Level 25 - lib - notable"


def test_a_record_that_cannot_be_formatted_does_not_fail_its_logger(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    logging.getLogger("lib").info("%d", "no number")
    assert "--- Logging error ---" in capsys.readouterr().err
