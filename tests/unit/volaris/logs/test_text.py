"""The text form: the contract's line, values that can be read back, tracebacks below."""

from __future__ import annotations

import json
import logging
import re
from contextlib import redirect_stderr
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.volaris.logs.lines import STAMP, lines_logged, raised, read_fields, without_time
from volaris.logs import log_event, setup_logging


def test_a_line_has_the_form_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    log_event("INFO", "job_completed", job_id="prices_1m", memory_mb=387.23, memory_percent=75.6, level="lines", run=3)
    [line] = lines_logged(capsys)
    assert re.fullmatch(
        STAMP + " - INFO - job_completed - "
        r"job_id=prices_1m memory_mb=387\.23 memory_percent=75\.6 level=lines run=3",
        line,
    )


def test_the_time_is_the_local_one(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    before = datetime.now().replace(microsecond=0)  # noqa: DTZ005  the form has no zone
    log_event("INFO", "tick")
    [line] = lines_logged(capsys)
    assert before <= datetime.fromisoformat(line[:19]) <= datetime.now()  # noqa: DTZ005


def test_an_event_without_fields_ends_after_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    log_event("WARNING", "shutting_down")
    assert without_time(lines_logged(capsys)[0]) == "WARNING - shutting_down"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain-word/with:marks", "plain-word/with:marks"),
        ("two words", '"two words"'),
        ("", '""'),
        ("a=b", '"a=b"'),
        ('say "so"', r'"say \"so\""'),
        ("first\nsecond", r'"first\nsecond"'),
        ("first\u2028second", r'"first\u2028second"'),
        ("back\\slash", "back\\slash"),
        ("Zürich", "Zürich"),
        ("{braces}", "{braces}"),
        ("<red>", "<red>"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (0.1, "0.1"),
        ((1, 2), '"(1, 2)"'),
    ],
)
def test_a_value_is_quoted_where_it_is_not_one_plain_word(
    value: object, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging("INFO", "text")
    log_event("INFO", "seen", value=value)
    assert without_time(lines_logged(capsys)[0]) == f"INFO - seen - value={text}"


def test_an_event_with_a_line_break_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    log_event("INFO", "one\ntwo {} <b>")
    assert without_time(lines_logged(capsys)[0]) == r"INFO - one\ntwo {} <b>"


def test_a_detail_is_free_text_after_the_fields_on_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    log_event("INFO", "job_allocations", detail="+1.8 MiB (+1200) volaris/jobs/prices.py:88 parse", job_id="prices_1m")
    log_event("INFO", "odd", detail="two\nlines")
    assert [without_time(line) for line in lines_logged(capsys)] == [
        "INFO - job_allocations - job_id=prices_1m +1.8 MiB (+1200) volaris/jobs/prices.py:88 parse",
        r"INFO - odd - two\nlines",
    ]


@settings(deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda key: key not in ("exception", "detail")), st.text()
    )
)
def test_fields_read_back_are_the_fields_that_were_logged(fields: dict[str, Any]) -> None:
    with redirect_stderr(StringIO()) as stderr:
        setup_logging("INFO", "text")
        log_event("INFO", "seen", **fields)
    [line] = stderr.getvalue().splitlines()
    assert read_fields(without_time(line).removeprefix("INFO - seen").removeprefix(" - ")) == fields


def test_below_a_failure_stands_its_traceback_without_any_value(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    log_event("ERROR", "job_failed", exception=raised(ValueError("no price")), job_id="prices_1m")
    first, *below = lines_logged(capsys)
    assert without_time(first) == "ERROR - job_failed - job_id=prices_1m"
    assert below[0] == "Traceback (most recent call last):"
    assert below[-1] == "ValueError: no price"
    assert "hunter2" not in "".join(below)


def test_a_traceback_starts_at_the_frame_that_caught_it_and_shows_no_frames_of_the_logging(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("INFO", "text")
    log_event("ERROR", "job_failed", exception=raised(ValueError()))
    files = re.findall(r'File "[^"]*?(\w+\.py)", line', capsys.readouterr().err)
    assert files == ["lines.py"]


def test_what_is_below_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("WARNING", "text")
    log_event("INFO", "quiet")
    logging.getLogger("aiohttp").info("quiet")
    log_event("WARNING", "loud")
    logging.getLogger("aiohttp").warning("loud")
    assert [without_time(line) for line in lines_logged(capsys)] == ["WARNING - loud", "WARNING - aiohttp - loud"]


def test_a_second_setup_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "text")
    setup_logging("INFO", "json")
    log_event("INFO", "once")
    logging.getLogger("aiohttp").info("once")
    assert [json.loads(line)["event"] for line in lines_logged(capsys)] == ["once", "aiohttp"]


def test_lines_follow_standard_error_where_it_goes() -> None:
    setup_logging("INFO", "text")
    with redirect_stderr(StringIO()) as stderr:
        log_event("INFO", "here")
    assert stderr.getvalue().endswith(" - INFO - here\n")
