"""What MkDocs is told beside mkdocs.yml: which pages have their file elsewhere, and which names need documentation.

A warning ends the build, because the build is strict.
"""

from __future__ import annotations

import logging
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
FROM_ELSEWHERE = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
PACKAGES = ("profiling", "profiling.web", "profiling.asgi", "profiling.wsgi", "profiling.serve")
COMMENTS = Path(__file__).with_name("comments.py")

_logger = logging.getLogger("mkdocs.hooks.pages")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside the folder of the documents, and warn of undocumented public names."""
    for page, source in FROM_ELSEWHERE.items():
        files.append(File.generated(config, page, content=turn_links((ROOT / source).read_text())))
    reference = (Path(config.docs_dir) / "api.md").read_text()
    for package in PACKAGES:
        for fault in undocumented(package, reference):
            _logger.warning(fault)
    return files


def turn_links(text: str) -> str:
    """Return the text of a page of the root directory as that of a page of the site."""
    for page, source in FROM_ELSEWHERE.items():
        text = text.replace(f"]({source})", f"]({page})")
    return text.replace("](docs/", "](").replace("[docs/", "[")


def undocumented(package: str, reference: str) -> list[str]:
    """Return a sentence for each public name that has no docstring or no place in the reference."""
    module = griffe.load(package, search_paths=[ROOT], extensions=griffe.load_extensions(str(COMMENTS)))
    names = [str(name) for name in module.exports or ()]
    named = reference.split()
    missing = [f"docs/api.md does not have {package}.{name}" for name in names if f"{package}.{name}" not in named]
    return missing + [f"{package}.{name} has no docstring" for name in names if not module[name].has_docstring]
