"""What the tests of logging share: reading lines back, and an exception to log."""

from __future__ import annotations

import json
import re

import pytest

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^ ]+)(?: |$)')


def without_time(line: str) -> str:
    stamp, rest = line[:19], line[19:]
    assert re.fullmatch(STAMP, stamp)
    return rest.removeprefix(" - ")


def lines_logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "" or captured.err.endswith("\n")
    return captured.err.splitlines()


def read_fields(text: str) -> dict[str, str]:
    """What a program that reads our logs does: split at blanks outside of quotes."""
    matches = list(FIELD.finditer(text))
    assert "".join(match.group(0) for match in matches) == text
    return {match[1]: json.loads(match[2]) if match[2].startswith('"') else match[2] for match in matches}


def raised(error: Exception) -> Exception:
    try:
        password = "".join(["hunter", "2"])
        raise error
    except type(error) as caught:
        del password
        return caught
