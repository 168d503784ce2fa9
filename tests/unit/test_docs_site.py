"""`make docs` refuses what no reader would find or follow, and the reference is complete."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import profiling
import profiling.asgi
import profiling.serve
import profiling.web
import profiling.wsgi

PACKAGES = (profiling, profiling.web, profiling.asgi, profiling.wsgi, profiling.serve)
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MKDOCS = Path(sysconfig.get_path("scripts")) / "mkdocs"
needs_mkdocs = pytest.mark.skipif(not MKDOCS.exists(), reason="no extra `docs` installed: make docs")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with the site's sources, to break them in."""
    for name in ("docs", "profiling"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "mkdocs.yml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def replace(path: Path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, new, path.read_text(), count=1)
    assert count == 1
    path.write_text(text)


@needs_mkdocs
@pytest.mark.slow
def test_dead_link_lost_page_and_undocumented_name_each_fail_the_site(copy: Path) -> None:
    (copy / "docs" / "lost.md").write_text("# Lost\n\n[gone](gone.md), [nowhere](levels.md#nowhere)\n")
    replace(copy / "docs" / "api.md", r"::: profiling\.Run\n", "")
    replace(copy / "profiling" / "errors.py", r'(class UnknownJob\(.*\):\n)    """[^"]*"""\n', r"\1")
    done = subprocess.run([MKDOCS, "build"], cwd=copy, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    faults = {line.partition("-")[2].strip() for line in done.stderr.splitlines() if line.startswith("WARNING")}
    for fault in (
        "docs/api.md does not have profiling.Run",
        "profiling.UnknownJob has no docstring",
        "Doc file 'lost.md' contains a link 'gone.md', but the target is not found among documentation files.",
    ):
        assert fault in faults
    assert 'not included in the "nav" configuration:\n  - lost.md' in done.stderr
    assert "levels.md#nowhere" in done.stderr


def test_reference_has_each_public_name_once() -> None:
    named = re.findall(r"^::: (\S+)$", (DOCS / "api.md").read_text(), re.MULTILINE)
    public = [f"{package.__name__}.{name}" for package in PACKAGES for name in package.__all__]
    assert sorted(named) == sorted(public)


@needs_mkdocs
@pytest.mark.slow
def test_site_takes_nothing_from_other_servers(copy: Path) -> None:
    subprocess.run([MKDOCS, "build", "--quiet"], cwd=copy, capture_output=True, timeout=120, check=True)
    pages = list((copy / ".site").glob("*.html"))
    assert len(pages) > 10
    loaded = r"""<(?:script|img|iframe)[^>]* src="?(https?:[^"> ]+)|<link[^>]* href="?(https?:[^"> ]+)"""
    assert {page.name: found for page in pages if (found := re.findall(loaded, page.read_text()))} == {}
    assert not any('class="mermaid"' in page.read_text() for page in pages)  # whose script would come from elsewhere
