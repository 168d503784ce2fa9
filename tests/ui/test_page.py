"""The page in a real browser, over services whose jobs run for real."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.ui.conftest import Look, served
from tests.ui.service import JOBS

pytestmark = pytest.mark.slow

Open = Callable[..., Look]
STATES = ("calm", "leaking", "critical", "empty")
DARK_PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "has_touch": True}
LEAK_LINE = 33  # of service.py


@pytest.mark.parametrize("state", STATES)
def test_sentence_says_how_full_who_grows_and_when_it_is_over(look: Open, state: str) -> None:
    page = look(state)
    sentence = page.sentence()
    assert re.match(r"\d+ of \d+ MB\. ", sentence)
    if state in {"leaking", "critical"}:
        assert re.search(r"iv_metrics leaks 1\.\d MB per run at tests/ui/service\.py:\d+\. Full ", sentence)
    else:
        assert sentence.endswith({"calm": "Nothing grows.", "empty": "often enough for a verdict."}[state])
    word = page.page.locator(".alert").inner_text().split()[-1]
    assert word == {"leaking": "critical"}.get(state, state if state != "empty" else "calm")
    page.wait_for_frames()
    page.page.wait_for_selector("#link:text('Live')")
    page.picture(state)


@pytest.mark.parametrize("state", STATES)
def test_page_fits_a_dark_phone_without_sideways_scrolling(look: Open, state: str) -> None:
    page = look(state, **DARK_PHONE)
    page.wait_for_frames()
    assert page.page.evaluate("document.documentElement.scrollWidth") == 360
    page.picture(f"{state}-phone-dark")


def test_first_screen_needs_no_script(look: Open) -> None:
    page = look("leaking", java_script_enabled=False)
    assert "iv_metrics leaks" in page.sentence()
    assert page.page.locator("#rows tr").count() >= len(JOBS)
    page.page.click("a.open:text('iv_metrics')")
    page.page.wait_for_url("**/scopes/**")
    assert "tests/ui/service.py" in page.page.inner_text("body")


def test_top_frame_of_the_flame_graph_is_the_leaking_line_and_a_click_shows_its_source(look: Open) -> None:
    page = look("leaking")
    page.wait_for_frames()
    canvas = page.page.locator("#flame canvas")
    canvas.focus()
    for _ in range(30):  # the widest frame of each level, down to the innermost one
        canvas.press("ArrowDown")
    told = page.page.inner_text("#flame-told")
    assert told.startswith("fit_surface ")
    place = re.search(r"tests/ui/service\.py:(\d+)", told)
    assert place is not None
    canvas.press("Enter")
    hit = page.page.locator("pre.source .hit")
    assert "return bytes(BLOCK_BYTES)" in hit.inner_text()
    assert hit.inner_text().split()[0] == place[1]
    canvas.press("Escape")
    assert page.page.locator(".crumbs button").count() > 1


def test_search_tells_the_matched_total_and_goes_from_match_to_match(look: Open) -> None:
    page = look("leaking")
    page.wait_for_frames()
    page.page.keyboard.press("/")
    page.page.keyboard.type("fit_surface")
    total = page.page.inner_text("#flame .end")
    assert re.match(r"\d+ match(es)?: [\d.]+ MB, \d+", total)
    page.page.keyboard.press("Enter")
    assert page.page.inner_text("#flame-told").startswith("fit_surface")
    page.page.keyboard.press("Escape")
    assert "in all" in page.page.inner_text("#flame .end")


def test_two_runs_are_shown_as_a_change(look: Open) -> None:
    page = look("leaking")
    page.wait_for_frames()
    page.page.get_by_label("what is shown").select_option("runs")
    page.page.get_by_label("job", exact=True).select_option("iv_metrics")
    page.until("document.querySelector('#flame-told').textContent.includes('all changes: +')")
    page.page.locator("#flame details summary").click()
    page.until("document.querySelector('#flame details').innerText.includes('fit_surface')")
    page.picture("change-between-runs")


def test_mark_shows_what_changed_since(look: Open) -> None:
    page = look("critical")
    page.wait_for_frames()
    page.page.get_by_role("button", name="Mark now").click()
    page.page.get_by_role("button", name="run iv_metrics").click()
    page.until("fetch('jobs').then(r => r.json()).then(d => d.jobs.some(j => j.runs > 40))")
    page.page.get_by_label("what is shown").select_option("since")
    page.until("/all changes: \\+[\\d.]+ MB/.test(document.querySelector('#flame-told').textContent)")


def test_row_opens_to_its_lines_and_stays_open_over_updates(look: Open) -> None:
    page = look("leaking")
    link = page.page.locator("a.open", has_text="iv_metrics")
    link.click()
    page.page.wait_for_selector("tr.lines table")
    assert "return bytes(BLOCK_BYTES)" in page.page.inner_text("tr.lines")
    link.focus()
    before = page.page.inner_text("#link")
    page.until(f"document.querySelector('#link').textContent !== {before!r}")
    assert page.page.locator("tr.lines table").count() == 1
    assert page.page.evaluate("document.activeElement.textContent") == "iv_metrics"
    page.picture("row-open")


def test_table_sorts_by_a_column(look: Open) -> None:
    page = look("leaking")
    names = "[...document.querySelectorAll('#rows tr[data-name]')].map(row => row.dataset.name)"
    page.page.get_by_role("button", name="Name").click()
    assert page.page.evaluate(names) == sorted(page.page.evaluate(names))
    page.page.get_by_role("button", name="Held").click()
    assert page.page.evaluate(names)[0] == "iv_metrics"
    assert page.page.locator("th[aria-sort=descending]").inner_text().startswith("Held")


def test_span_is_chosen_by_dragging_and_by_keys(look: Open) -> None:
    page = look("leaking")
    page.wait_for_timeline()
    chart = page.page.locator(".chart")
    box = chart.bounding_box()
    page.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 100)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 100, steps=4)
    page.page.mouse.up()
    page.page.wait_for_selector(".chart .chosen", state="attached")
    told = page.page.inner_text("#timeline-told")
    assert re.search(r"\d\d:\d\d:\d\d to \d\d:\d\d:\d\d: ", told)
    page.picture("span-chosen")
    chart.press("Escape")
    assert page.page.locator(".chart .chosen").count() == 0
    for _ in range(3):
        chart.press("Shift+ArrowLeft")
    assert page.page.locator(".chart .chosen").count() == 1


def test_longer_spans_are_shown_and_the_chosen_one_is_marked(look: Open) -> None:
    page = look("calm")
    page.wait_for_timeline()
    page.page.get_by_role("button", name="a week").click()
    assert page.page.locator("button[aria-pressed=true]").inner_text() == "a week"
    assert page.page.locator("#events li").count() >= 1


def test_token_opens_the_page_and_is_nowhere_but_in_the_memory_of_the_tab(look: Open) -> None:
    page = look("closed", path="/debug/")
    assert page.page.locator("#sentence").count() == 0
    assert "MB" not in page.page.inner_text("body")
    page.picture("sign-in")
    page.page.fill("#token", "wrong")
    page.page.keyboard.press("Enter")
    page.until("document.querySelector('#refused').textContent.includes('wrong')")
    page.page.fill("#token", "t0ken")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#sentence")
    page.wait_for_frames()
    page.page.wait_for_selector("#link:text('Live')")
    assert page.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert "t0ken" not in page.page.content() + page.page.url + " ".join(page.requested)
    page.page.get_by_role("button", name="run iv_metrics").click()
    page.until("document.querySelector('#said')?.textContent.includes('iv_metrics is')")
    page.page.reload()
    assert page.page.locator("#token").count() == 1


def test_page_survives_that_the_service_goes_away_and_comes_back(look: Open) -> None:
    page = look("calm", goto=False)
    with served("calm") as url:
        page.url = url
        page.page.goto(f"{url}/debug/")
        page.page.wait_for_selector("#link:text('Live')")
    page.page.wait_for_selector("#link.lost")
    process = page.page.inner_text("#process")
    with served("leaking", port=int(url.rpartition(":")[2])):
        page.page.wait_for_selector("#link:text('Live')")
        page.until("document.querySelector('#sentence').textContent.includes('iv_metrics')")
        assert page.page.inner_text("#process") != process


@pytest.mark.parametrize("state", ["leaking", "calm"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_checker_finds_nothing_serious(look: Open, state: str, scheme: str) -> None:
    axe: Any = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here: make test-ui")
    page = look(state, color_scheme=scheme)
    page.wait_for_frames()
    page.wait_for_timeline()
    found = axe.Axe().run(page.page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == []


def test_report_is_saved_with_the_token(look: Open) -> None:
    page = look("closed")
    page.page.fill("#token", "t0ken")
    page.page.keyboard.press("Enter")
    page.wait_for_frames()
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Save a report").click()
    assert re.fullmatch(r"memory-\d{8}-\d{6}\.html", download.value.suggested_filename)
    html = download.value.path().read_text()
    assert "iv_metrics leaks" in html
    assert 'id="answers"' in html
    page.until("document.querySelector('#said')?.textContent === 'the report is saved'")


def test_keyboard_alone_reaches_everything(look: Open) -> None:
    page = look("leaking")
    page.wait_for_frames()
    reached = set()
    for _ in range(60):
        page.page.keyboard.press("Tab")
        reached.add(
            page.page.evaluate("(document.activeElement.closest('header, section') || document.activeElement).id")
        )
    assert {"now", "timeline", "jobs", "flame"} <= reached
