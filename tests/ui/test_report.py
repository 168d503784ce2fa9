"""Reports as a reader gets them: one file, opened from disk, in a browser that has no network."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from profiling.__main__ import main
from profiling.report.page.document import report_html
from tests.ui.conftest import PICTURES, Look
from tests.unit.profiling.report.page.test_document import ROW, state

pytestmark = pytest.mark.slow

MAX_BYTES = 5 << 20
LEAK = "kept = []\n\n\ndef leak():\n    kept.append(bytearray(50_000))\n"


@contextmanager
def opened(browser: Any, report: Path) -> Iterator[Look]:
    """A report in a browser without a network, which must neither complain nor ask for anything."""
    assert report.stat().st_size < MAX_BYTES
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    look = Look(context.new_page(), report.as_uri())
    look.page.on("console", look.note)
    look.page.on("pageerror", lambda error: look.complaints.append(str(error)))
    look.page.on("request", lambda request: look.requested.append(request.url))
    look.page.goto(look.url)
    try:
        yield look
    finally:
        context.close()
    assert look.complaints == []
    assert [url for url in look.requested if not url.startswith((look.url, "data:"))] == []


def rows_of_the_flame_graph(look: Look, text: str) -> None:
    look.wait_for_frames()
    look.page.locator("#flame details summary").click()
    look.until(f"document.querySelector('#flame details').innerText.includes({text!r})")


def test_report_of_a_service_shows_the_leaking_line_its_source_and_the_past(
    browser: Any, urls: Callable[[str], str], tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    assert main(["report", urls("leaking"), "-o", str(report)]) == 0
    with opened(browser, report) as look:
        assert re.search(r"iv_metrics leaks 1\.\d MB per run at tests/ui/service\.py:\d+\. Full ", look.sentence())
        assert look.page.locator("button[data-verb]").count() == 0
        look.wait_for_timeline()
        rows_of_the_flame_graph(look, "fit_surface")
        look.page.locator("a.open", has_text="iv_metrics").click()
        look.page.wait_for_selector("tr.lines table")
        assert "return bytes(BLOCK_BYTES)" in look.page.inner_text("tr.lines")
        for span in ("2 hours", "a week"):
            look.page.get_by_role("button", name=span).click()
            look.until("document.querySelector('#timeline-told').textContent.includes('MB')")
        canvas = look.page.locator("#flame canvas")
        canvas.focus()
        for _ in range(30):  # the widest frame of each level, down to the innermost one
            canvas.press("ArrowDown")
        canvas.press("Enter")
        look.page.wait_for_selector("pre.source .hit")
        assert "return bytes(BLOCK_BYTES)" in look.page.locator("pre.source .hit").inner_text()
        look.page.get_by_label("what is shown").select_option("runs")
        look.page.get_by_label("job", exact=True).select_option("iv_metrics")
        look.until("document.querySelector('#flame-told').textContent.includes('all changes: +')")
        look.picture("report")
    assert PICTURES.joinpath("report.png").exists()


def test_report_of_a_function_shows_the_leaking_line(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(LEAK)
    report = tmp_path / "report.html"
    target = f"{tmp_path / 'jobs.py'}:leak"  # run in another process: the browser has a loop in this one
    subprocess.run([sys.executable, "-m", "profiling", "report", target, "-o", str(report)], check=True, timeout=120)
    with opened(browser, report) as look:
        assert re.search(r"jobs\.py:leak leaks \d+ KB per run at jobs\.py:5\.$", look.sentence())
        rows_of_the_flame_graph(look, "leak")
        look.picture("report-of-a-function")


def test_report_of_a_stored_profile_shows_what_is_known_and_no_more(
    browser: Any, urls: Callable[[str], str], tmp_path: Path
) -> None:
    profile, report = tmp_path / "heap.pb.gz", tmp_path / "report.html"
    assert main(["export", urls("leaking"), "-o", str(profile)]) == 0
    assert main(["export", str(profile), "--format", "html", "-o", str(report)]) == 0
    with opened(browser, report) as look:
        assert re.search(r"MB were alive\. tests/ui/service\.py:\d+ held most", look.sentence())
        rows_of_the_flame_graph(look, "fit_surface")
        assert look.page.locator("#timeline").is_hidden()
        assert look.page.get_by_label("what is shown").locator("option").all_inner_texts() == ["Alive now"]
        look.picture("report-of-a-profile")


def test_answers_are_no_markup_and_missing_ones_are_told(browser: Any, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    answers = {"timeline?span=10m": {}, "</script><img src=x>": "</script><img src=x>"}
    report.write_text(report_html(state(ROW), answers))
    with opened(browser, report) as look:
        look.until("document.querySelector('#timeline-told').textContent === 'this is not in the report'")
        assert look.page.locator("img").count() == 0
        assert look.page.locator("button[data-verb]").count() == 0
