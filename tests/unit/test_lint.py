"""`make lint` refuses what the rules of this project forbid, each tried on a copy."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))

UPWARDS = [
    ("profiling.records.runs", "profiling.process.usage"),
    ("profiling.verdict.judge", "profiling.report.text"),
    ("profiling.process.peaks", "profiling.web.routes"),
]
"""An importing module, and one that is above its layer."""

needs_import_linter = pytest.mark.skipif(not (SCRIPTS / "lint-imports").exists(), reason="no extra `lint` installed")
needs_ruff = pytest.mark.skipif(not (SCRIPTS / "ruff").exists(), reason="no extra `lint` installed")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with the two packages and the rules, to break them in."""
    for name in ("profiling", "volaris"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(folder: Path, *command: str) -> tuple[int, str]:
    """Return the exit status and the output of a command."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def append(folder: Path, module: str, text: str) -> None:
    """Add lines to the end of a module."""
    path = folder / f"{module.replace('.', '/')}.py"
    path.write_text(path.read_text() + text)


@needs_import_linter
def test_three_imports_against_the_layers_are_refused(copy: Path) -> None:
    status, output = run(copy, str(SCRIPTS / "lint-imports"))
    assert status == 0, output
    for importer, imported in UPWARDS:
        append(copy, importer, f"\n\nimport {imported}\n")
    status, output = run(copy, str(SCRIPTS / "lint-imports"))
    assert status == 1
    for importer, imported in UPWARDS:
        assert f"{importer} -> {imported}" in output


@needs_ruff
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("\n\ndef offered() -> None:\n    pass\n", "D103"),
        ("\n\nclass Offered:\n    pass\n", "D101"),
        ('\n\nclass Offered:\n    """A class."""\n\n    def offered(self) -> None:\n        pass\n', "D102"),
    ],
    ids=["function", "class", "method"],
)
def test_public_name_without_a_docstring_is_refused(copy: Path, text: str, rule: str) -> None:
    command = (str(SCRIPTS / "ruff"), "check", "--no-cache", "--output-format=concise", "profiling/units.py")
    assert run(copy, *command)[0] == 0
    append(copy, "profiling.units", text)
    status, output = run(copy, *command)
    assert status == 1
    assert f" {rule} " in output


@needs_ruff
def test_private_name_needs_no_docstring(copy: Path) -> None:
    append(copy, "profiling.units", "\n\ndef _helper() -> None:\n    pass\n")
    command = (str(SCRIPTS / "ruff"), "check", "--no-cache", "profiling/units.py")
    status, output = run(copy, *command)
    assert status == 0, output


@pytest.mark.parametrize(("lines", "refused"), [(400, False), (401, True), (900, True)])
def test_module_of_over_400_lines_is_refused(tmp_path: Path, lines: int, refused: bool) -> None:
    module = tmp_path / "long.py"
    module.write_text("pass\n" * lines)
    status, output = run(ROOT, "make", "--no-print-directory", "module-sizes", f"MODULES={module}")
    assert (status != 0) is refused
    assert (f"{module} has over 400 lines; split it" in output) is refused


def test_no_module_has_over_400_lines() -> None:
    status, output = run(ROOT, "make", "--no-print-directory", "module-sizes")
    assert status == 0, output
