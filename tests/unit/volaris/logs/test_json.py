"""The JSON form: one object a line, whatever the fields hold."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.unit.volaris.logs.lines import lines_logged, raised
from volaris.logs import log_event, setup_logging


def test_a_json_line_is_one_object_with_time_level_event_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("INFO", "json")
    log_event("INFO", "job_completed", job_id="prices_1m", memory_mb=387.23, limit=None, level="lines")
    [document] = [json.loads(line) for line in lines_logged(capsys)]
    assert datetime.fromisoformat(document.pop("time")).tzinfo is not None
    assert document == {
        "level": "INFO",
        "event": "job_completed",
        "fields": {"job_id": "prices_1m", "memory_mb": 387.23, "limit": None, "level": "lines"},
    }


def test_a_json_line_of_the_standard_library_has_its_message_as_the_detail(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("INFO", "json")
    logging.getLogger("asyncio").error("two\nlines", exc_info=raised(ValueError("no price")))
    [document] = [json.loads(line) for line in lines_logged(capsys)]
    assert document["event"] == "asyncio"
    assert document["fields"] == {"detail": "two\nlines"}
    assert document["traceback"].splitlines()[-1] == "ValueError: no price"


@dataclass
class Login:
    token: str

    def __repr__(self) -> str:
        return "Login(token=***)"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("\udcff", "\udcff"),
        (2**70, 2**70),
        (
            {
                1,
            },
            "{1}",
        ),
        (Login("hunter2"), "Login(token=***)"),
        (float("nan"), None),
    ],
)
def test_no_value_makes_a_json_line_fail_or_tells_more_than_its_repr(
    value: object, read: object, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging("INFO", "json")
    log_event("INFO", "seen", value=value)
    [document] = [json.loads(line) for line in lines_logged(capsys)]
    assert document["fields"] == {"value": read}
