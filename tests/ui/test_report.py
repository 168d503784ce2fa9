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
from profiling.past.rings import Rings
from profiling.past.state_file import State
from profiling.records.timeline import EventKind, Parts, PastEvent, Reading, Span
from profiling.report.page.document import report_html
from profiling.report.page.history import history_html
from tests.ui.conftest import PICTURES, Look
from tests.unit.profiling.report.page.test_document import ROW, state

pytestmark = pytest.mark.slow

MAX_BYTES, MB = 5 << 20, 1 << 20
SAVED_S = 1_790_000_000.0
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


def test_report_of_a_timeline_draws_all_spans_and_lists_the_events(browser: Any, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_bytes(history_html(killed_after_a_leak(), SAVED_S + 3_600))
    with opened(browser, report) as look:
        assert look.sentence().startswith("470 of 512 MB when last seen at ")
        assert look.page.locator("#rows tr[data-name]").first.get_attribute("data-name") == "prices"
        assert look.page.locator("#flame").is_hidden()
        for span in ("10 minutes", "2 hours", "a week"):
            look.page.get_by_role("button", name=span).click()
            look.until("document.querySelector('#timeline-told').textContent.includes('prices')")
        assert "restart, not closed" in look.page.inner_text("#events")
        look.page.get_by_role("button", name="2 hours").click()
        look.until("document.querySelector('#timeline-told').textContent.includes('470 MB')")
        look.picture("report-of-a-timeline")


def killed_after_a_leak() -> State:
    """A process that filled up over two hours, after one that had been killed a day before."""
    rings, leaked = Rings(), 370 * MB
    for second in (*range(-100_000, -90_000, 10), *range(-7_000, 1)):
        held = max(0, leaked * (second + 7_000) // 7_000)
        parts = Parts(python_bytes=50 * MB + held, c_heap_bytes=20 * MB, free_bytes=10 * MB)
        rings.record(
            Reading(
                at_s=SAVED_S + second,
                rss_bytes=100 * MB + held,
                limit_bytes=512 * MB,
                parts=parts,
                held={"prices": held, "GET /options": 30 * MB},
            )
        )
    told = (
        (-7_000, "restart", None, "not_closed", "the process before was last seen 83000 s earlier"),
        (-5_000, "verdict", "prices", "leaking", "54.1 KiB per run stay alive; most at /app/jobs/prices.py:88"),
        (-600, "pressure", None, "critical", "439.0 MiB of 512.0 MiB, 86 %"),
    )
    events = [
        PastEvent(at_s=SAVED_S + at_s, kind=EventKind(kind), subject=subject, state=state, text=text)
        for at_s, kind, subject, state, text in told
    ]
    rows = {span: rings.rows(span) for span in Span}
    return State(saved_s=SAVED_S, is_closed=False, names=rings.names(), rows=rows, events=events)


def test_answers_are_no_markup_and_missing_ones_are_told(browser: Any, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    answers = {"timeline?span=10m": b"{}", "</script><img src=x>": b'"</script><img src=x>"'}
    report.write_bytes(report_html(state(ROW), answers))
    with opened(browser, report) as look:
        look.until("document.querySelector('#timeline-told').textContent === 'this is not in the report'")
        assert look.page.locator("img").count() == 0
        assert look.page.locator("button[data-verb]").count() == 0
