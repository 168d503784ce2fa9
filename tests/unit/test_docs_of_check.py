"""docs/check.md says all of `check`, and each of its examples runs as shown."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiling.__main__ import main
from profiling.records import State
from profiling.report.check import check_to_dict
from tests.unit.profiling.make import places_of
from tests.unit.profiling.report.test_check import CHECKED

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text()
FIGURE = re.compile(r"[\d.]+( [KM]iB| B)?")
EXAMPLES = re.findall(r"^    \$ python -m (.*)\n((?:    .*\n)*)", PAGE, re.MULTILINE)
COMMANDS = re.findall(r"^    python -m (.*?)  +# ", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in re.findall(r"```py\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n{text}")
    return tmp_path


def run(words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *shlex.split(words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def without_figures(text: str) -> list[str]:
    return [FIGURE.sub("N", line.strip()) for line in text.splitlines()]


@pytest.mark.parametrize(("words", "printed"), EXAMPLES, ids=[words for words, _ in EXAMPLES])
def test_example_prints_what_the_page_shows(folder: Path, words: str, printed: str) -> None:
    done = run(words, folder)
    text = (done.stdout + done.stderr).replace(str(folder), "/home/me")
    assert without_figures(text) == without_figures(printed)
    assert re.findall(r"line\D*\d+|\.py:\d+", text) == re.findall(r"line\D*\d+|\.py:\d+", printed)
    assert done.returncode == (1 if "collect" in words else 2)


@pytest.mark.parametrize("words", COMMANDS)
def test_whatever_the_page_says_can_be_checked_can_be(folder: Path, words: str) -> None:
    assert run(words, folder).returncode == 0


def test_file_named_like_a_standard_module_can_be_checked_in_its_folder(tmp_path: Path) -> None:
    (words,) = re.findall(r"`python (-P -m .*?)`", PAGE)
    (tmp_path / "asyncio.py").write_text("def job(): pass")
    command = [sys.executable, *words.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_page_has_examples() -> None:
    assert (len(EXAMPLES), len(COMMANDS)) == (5, 4)


def rows(title: str) -> list[str]:
    """Return the first cells of the table below a title."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\| (?!option|status|key)(.+?) \|", section, re.MULTILINE)


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_each_key_is_explained_in_the_order_of_the_document() -> None:
    explained = [key for cell in rows("JSON") for key in re.findall(r"`(\w+)`", cell)]
    document = check_to_dict([CHECKED], places_of)
    assert set(explained) == set(keys(document))
    assert len(explained) == len(set(explained))


def test_each_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["check", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    explained = {re.findall(r"--[a-z-]+", cell)[0] for cell in rows("Options")}
    assert explained == options


def test_each_exit_status_and_each_state_is_named() -> None:
    assert rows("Exit status") == ["0", "1", "2", "130"]
    assert all(f"`{state.value}`" in PAGE for state in State)
