"""docs/http.md has every key of the answers about scopes, and docs/cli.md every option of `run` and `export`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from profiling.__main__ import main
from profiling.web.scope_answers import ALLOCATED, LIVE, LIVE_SITE, LIVE_TOTALS, SCOPE

DOCS = Path(__file__).parents[2] / "docs"


def rows(text: str) -> dict[str, str]:
    """Return the rows of the tables in a text: the first cell, and the second."""
    cells = re.findall(r"^\| (`.*?) \| (.*) \|$", text, re.MULTILINE)
    return dict(cells)


def test_keys_of_scopes_and_of_live_memory_are_all_explained() -> None:
    (section,) = re.findall(r"## The keys of scopes.*?\n(.*?)\n## ", (DOCS / "http.md").read_text(), re.DOTALL)
    of_scope, of_live = section.split("`/memory/live` and `/scopes/{scope}` have these keys:")
    explained = [key for cell in rows(of_scope) for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(explained) == sorted(SCOPE.keys)
    live = rows(of_live)
    assert sorted(key.strip("`") for key in live) == sorted(LIVE.keys)
    for name, shape in {"totals": LIVE_TOTALS, "allocated": ALLOCATED, "sites": LIVE_SITE}.items():
        assert sorted(re.findall(r"`(\w+)`", live[f"`{name}`"])) == sorted(shape.keys)


@pytest.mark.parametrize("command", ["run", "export"])
def test_options_of_a_command_are_all_explained(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    options = set(re.findall(r"^  (-\w|--\w+)\b", capsys.readouterr().out, re.MULTILINE)) - {"-h"}
    (section,) = re.findall(r"## python -m profiling\n(.*?)\n## ", (DOCS / "cli.md").read_text(), re.DOTALL)
    about = next(part for part in section.split("\n`python -m profiling ") if part.startswith(command))
    assert {cell.strip("`").split()[0] for cell in rows(about)} == options
