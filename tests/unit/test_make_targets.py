"""Every make target that a document or a hook names is in the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(?:^|`|run: |entry: |part \S+ |    )make ((?:[a-z][a-z-]*(?: |$|`|\n))+)", re.MULTILINE)


def targets() -> set[str]:
    """Return the targets that the Makefile has."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "README.md", ".pre-commit-config.yaml", ".ci/run"])
def test_targets_that_are_named_are_there(name: str) -> None:
    named = {word.strip("`") for words in NAMED.findall((ROOT / name).read_text()) for word in words.split()}
    assert named, "no target found: the pattern of this test no longer fits"
    assert named <= targets()


def test_check_runs_every_kind_of_check() -> None:
    (prerequisites,) = re.findall(r"^check: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(prerequisites.split()) == {"lint", "typing", "fast-tests"}
