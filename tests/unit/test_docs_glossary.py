"""docs/glossary.md is short, in order, and about words that the other pages use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MAX_TERMS = 25
TERMS = dict(re.findall(r"^\| (?!term|---)(.+?) \| (.+) \|$", (DOCS / "glossary.md").read_text(), re.MULTILINE))


def test_glossary_is_short_and_in_order() -> None:
    assert 12 <= len(TERMS) <= MAX_TERMS
    assert list(TERMS) == sorted(TERMS, key=str.casefold)


@pytest.mark.parametrize("term", TERMS)
def test_term_has_a_sentence_and_is_used_on_another_page(term: str) -> None:
    assert re.fullmatch(r"[A-Z].*\.", TERMS[term])
    assert len(TERMS[term].split()) <= 25
    pages = [page.read_text() for page in [ROOT / "README.md", *DOCS.glob("*.md")] if page.name != "glossary.md"]
    # As a word of its own, or the way a reader meets it in code: `native_growth`.
    pattern = re.compile(r"\b" + r"[ _\n]".join(term.split()), re.IGNORECASE)
    assert any(pattern.search(page) for page in pages), f"no other page has {term!r}"
