"""What is imported, and what is told if PyNaCl is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
KEY = "0f" * 32

IMPORTED = """
import sys
from volaris.app import create_app
from volaris.settings import Settings

create_app(Settings.load())
print(sorted(name for name in sys.modules if name == "nacl" or name.startswith("volaris.discord")))
"""

WITHOUT_NACL = """
import sys

sys.modules["nacl"] = None  # what the import system takes for a package that is not there
from volaris.cli import main

sys.exit(main(["serve"]))
"""


def run(code: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own with these settings."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORT": "0", **settings}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_nothing_of_it_is_imported_without_the_key(tmp_path: Path) -> None:
    done = run(IMPORTED, tmp_path)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_missing_package_is_told_with_its_extra(tmp_path: Path) -> None:
    done = run(WITHOUT_NACL, tmp_path, DISCORD_PUBLIC_KEY=KEY)
    assert done.returncode == 2
    assert done.stderr == (
        "volaris: this command needs the package nacl, which is not installed; "
        "install it with: pip install 'volaris[discord]'\n"
    )


@pytest.mark.parametrize("key", ["0f" * 31, "not hexadecimal"])
def test_a_wrong_key_stops_the_start_with_one_line(tmp_path: Path, key: str) -> None:
    done = run(WITHOUT_NACL, tmp_path, DISCORD_PUBLIC_KEY=key)
    assert done.returncode == 2
    assert done.stderr == (
        f"volaris: DISCORD_PUBLIC_KEY={key!r} cannot be used: "
        "it must be 64 hexadecimal digits, as Discord's developer portal shows them\n"
    )
