"""What the documents say is so: examples run, and the table of settings is that of the code.

`python -m tests.unit.test_docs` writes the table anew.
"""

from __future__ import annotations

import doctest
import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

import profiling.profiler
from profiling import Profiler
from volaris.cli import main as volaris_main
from volaris.settings import Settings, variables

ROOT = Path(__file__).parents[2]
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
ARCHITECTURE_PAGE = ROOT / "docs" / "architecture.md"


def settings_page() -> str:
    """docs/settings.md as it should be."""
    rows = [
        f"| `{variable.name}` | {_default(field, variable.unset)} | {variable.meaning}; {variable.kind.fits} |"
        for field, variable in variables().items()
    ]
    return (
        "# Settings\n\n"
        "Environment variables, read at start; a file `.env` in the working directory fills in what the environment\n"
        "does not set. An empty value counts as unset. A wrong value stops the start with exit status 2 and one\n"
        "line that names the variable, the value and what is accepted.\n\n"
        "| variable | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _default(field: str, unset: str | None) -> str:
    return unset or f"`{str(getattr(Settings(), field)).lower()}`"


def test_page_of_settings_is_that_of_the_code() -> None:
    assert SETTINGS_PAGE.read_text() == settings_page()


def test_examples_in_docstrings_run() -> None:
    results = doctest.testmod(profiling.profiler, raise_on_error=True)
    assert results.attempted >= 4


def test_examples_in_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        names: dict[str, object] = {}
        exec(compile(block, "README.md", "exec"), names)
        assert isinstance(names["profiler"], Profiler)
        names["profiler"].close()
    assert capsys.readouterr().out == "True\n"


def test_check_prints_what_the_readme_says(tmp_path: Path) -> None:
    """To the letter, figures aside: these are of one machine and one day."""
    readme = (ROOT / "README.md").read_text()
    (jobs,) = re.findall(r"```py\n(.*?)```", readme, re.DOTALL)
    command, *printed = re.search(r"    \$ (python -m profiling check .*?)\n\n", readme, re.DOTALL)[1].splitlines()  # type: ignore[index]
    (tmp_path / "jobs.py").write_text(jobs)
    done = subprocess.run(
        [sys.executable, *command.split()[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert [_without_figures(line) for line in done.stdout.splitlines()] == list(map(_without_figures, printed))
    assert re.search(r" 97\.[678] KiB per run  jobs\.py:9 collect\n", done.stdout)


def _without_figures(line: str) -> str:
    return re.sub(r"[\d.]+( [KM]iB)?", "N", line.strip())


def test_picture_shows_what_the_readme_says() -> None:
    """Figures aside; `make pictures` draws it anew."""
    drawn: dict[str, str] = {}
    for y_px, text in re.findall(r'<text [^>]*?y="(\d+)"[^>]*>(.*?)</text>', (ROOT / "docs" / "check.svg").read_text()):
        drawn[y_px] = drawn.get(y_px, "") + html.unescape(text)
    readme = (ROOT / "README.md").read_text()
    (shown,) = re.findall(r"^    (\$ python -m profiling check .*?)\n\n", readme, re.MULTILINE | re.DOTALL)
    assert list(map(_without_figures, drawn.values())) == list(map(_without_figures, shown.splitlines()))


def test_each_command_and_option_of_the_service_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, page = (ROOT / "docs" / "cli.md").read_text().partition("## volaris")
    commands = re.findall(r"`volaris (\w+)", page)
    explained = set(re.findall(r"--\w+", page))
    options = set()
    for words in ([], *([command] for command in commands)):
        with pytest.raises(SystemExit, match="0"):
            volaris_main([*words, "--help"])
        printed = capsys.readouterr().out
        options |= set(re.findall(r"--\w+", printed))
        if not words:
            assert re.findall(r"^    (\w+) ", printed, re.MULTILINE) == commands
    assert explained == options - {"--help"}


def test_links_between_the_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_paths_named_in_the_architecture_are_there() -> None:
    named = re.findall(r"`((?:profiling|volaris|tests|docs)/[^` ]*|pyproject\.toml)`", ARCHITECTURE_PAGE.read_text())
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


if __name__ == "__main__":
    SETTINGS_PAGE.write_text(settings_page())
