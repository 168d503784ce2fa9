"""The page as one file, opened from disk without a service."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiling.report.page.document import report_html
from tests.ui.conftest import PICTURES, Look
from tests.unit.profiling.report.page.test_document import ROW, state

pytestmark = pytest.mark.slow

ASKED = ("memory/stacks", "timeline?span=10m", "memory/runs?limit=200", "memory/runs?limit=1000", "jobs")
MAX_BYTES = 5 << 20


def test_report_is_one_file_that_shows_the_leaking_line(
    browser: Any, urls: Callable[[str], str], tmp_path: Path
) -> None:
    answers = {}
    for path in ASKED:
        with urllib.request.urlopen(f"{urls('leaking')}/debug/{path}") as answer:
            answers[path] = json.load(answer)
    answers["</script><img src=x>"] = "</script><img src=x>"
    report = tmp_path / "report.html"
    report.write_text(report_html(state(ROW), answers))
    assert report.stat().st_size < MAX_BYTES
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    look = Look(page, report.as_uri())
    page.on("console", look.note)
    page.on("pageerror", lambda error: look.complaints.append(str(error)))
    page.on("request", lambda request: look.requested.append(request.url))
    page.goto(look.url)
    look.wait_for_frames()
    look.wait_for_timeline()
    assert page.locator("img").count() == 0
    assert page.locator("button[data-verb]").count() == 0
    page.locator("#flame details summary").click()
    look.until("document.querySelector('#flame details').innerText.includes('fit_surface')")
    page.get_by_role("button", name="2 hours").click()
    look.until("document.querySelector('#timeline-told').textContent === 'this is not in the report'")
    look.picture("report")
    page.close()
    assert look.complaints == []
    assert [url for url in look.requested if not url.startswith((look.url, "data:"))] == []
    assert PICTURES.joinpath("report.png").exists()
