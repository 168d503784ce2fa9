"""The page as a document: it holds no markup of others, and nothing inline that its policy refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from profiling.records import MemoryLimit, MemoryUsage, OwnerKind, State, Suspect, Verdict
from profiling.records.timeline import Parts
from profiling.report.headline import headline
from profiling.report.page.document import page_html, page_policy, report_html, sign_in_html, sign_in_policy
from profiling.report.page.files import script, style_sheet
from profiling.report.page.first_screen import rows_html
from profiling.report.page.state import PageState, Row, growers, shares_of

MB = 1 << 20
NOW = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)
EVIL = "<img src=x onerror=\"alert('x')\">"
LEAKING = Verdict(
    state=State.LEAKING,
    reason=EVIL,
    runs=40,
    bytes_per_run=1_000.0,
    interval_bytes=None,
    suspects=(Suspect(site=(f"{EVIL}.py", 7), bytes_per_run=1_000.0, stack=()),),
)
ROW = Row(
    name=EVIL,
    kind=OwnerKind.JOB,
    calls=40,
    held_bytes=10 * MB,
    pace_bytes=1_000.0,
    verdict=LEAKING,
    trend=(1, 2, 3),
    activity="running",
    last_run_at=NOW - timedelta(seconds=90),
    last_outcome="failed",
    next_run_at=NOW + timedelta(hours=3),
)


def state(*rows: Row) -> PageState:
    usage = MemoryUsage(rss_bytes=100 * MB, vms_bytes=0, limit=MemoryLimit(limit_bytes=512 * MB, source="cgroup v2"))
    return PageState(
        at=NOW,
        process=7,
        usage=usage,
        headline=headline(usage, growers(rows), NOW),
        shares=shares_of(usage.rss_bytes, rows, Parts()),
        rows=rows,
        can_steer=True,
    )


class Tags(HTMLParser):
    """Collects elements with their attributes, and checks that all are closed."""

    VOID = frozenset({"meta", "link", "input", "rect", "polyline", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_names_and_reasons_of_others_are_no_markup() -> None:
    tags = Tags(page_html(state(ROW), "./")).found
    assert {name for name, _ in tags} >= {"h1", "table", "svg", "polyline", "button"}
    assert "img" not in {name for name, _ in tags}
    assert [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)] == []


def test_page_has_no_inline_script_and_no_inline_style() -> None:
    tags = Tags(page_html(state(ROW), "./")).found
    assert [attributes for _, attributes in tags if "style" in attributes] == []
    assert [
        name for name, attributes in tags if name == "style" or (name == "script" and not attributes.get("src"))
    ] == []
    assert "unsafe" not in page_policy() + sign_in_policy()


def test_page_names_each_job_once_with_icon_word_and_times() -> None:
    rows = rows_html(state(ROW, replace(ROW, name="b", activity="paused", last_outcome="completed", verdict=None)))
    assert rows.count("<tr ") == 2
    assert "▲</span> leaks" in rows
    assert "no verdict yet" in rows
    assert "1 min ago" in rows
    assert "in 3 h" in rows
    assert 'data-verb="pause"' in rows
    assert 'data-verb="resume"' in rows


def test_bar_of_a_tiny_process_ends_before_the_limit_and_says_so() -> None:
    tiny = state()
    assert tiny.usage is not None
    limit = MemoryLimit(limit_bytes=24_576 * MB, source="machine")
    text = page_html(replace(tiny, usage=replace(tiny.usage, limit=limit)), "./")
    assert "0.4 % of the limit of 24.0 GB (machine); the bar ends at 400 MB" in text
    assert 'width="25.000%"' in text
    assert "20 % of the limit of 512 MB (cgroup v2)<" in page_html(tiny, "./")


def test_empty_process_has_a_page_too() -> None:
    Tags(text := page_html(state(), "./"))
    assert "No job has run and no scope was called yet." in text
    assert "100 of 512 MB. Nothing has run often enough for a verdict." in text


def test_form_has_no_data_and_its_policy_allows_its_own_texts_alone() -> None:
    text = sign_in_html(EVIL, "./", has_token=True)
    tags = Tags(text).found
    assert "img" not in {name for name, _ in tags}
    assert not re.search(r"\d+ of \d+ MB", text)
    (inline,) = re.findall(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    assert inline == script("sign_in").text
    for file in (script("sign_in"), script("page"), style_sheet()):
        assert file.csp_hash in sign_in_policy()
    assert "'self'" in sign_in_policy().partition("script-src")[0]  # for requests, not for scripts
    assert "'self'" not in sign_in_policy().partition("script-src")[2]


def test_closed_service_asks_for_no_token() -> None:
    assert "<form" not in sign_in_html("closed", "./", has_token=False)
    assert "<script" not in sign_in_html("closed", "./", has_token=False)


@pytest.mark.parametrize("entry", ["page", "sign_in"])
def test_script_is_one_text_without_imports(entry: str) -> None:
    text = script(entry).text
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert "</script" not in text  # it stands in a document
    assert script(entry) is script(entry)


def test_each_module_of_the_script_is_in_it_once() -> None:
    names = re.findall(r"^const module_(\w+) =", script("page").text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert names[-1] == "page"


@pytest.mark.parametrize("answers", [{}, {"jobs": "</script>"}, {"a": [1], "<b>": {"é": "<"}}])
def test_answers_of_a_report_are_one_object(answers: dict[str, object]) -> None:
    html = report_html(state(ROW), {path: json.dumps(answer).encode() for path, answer in answers.items()}).decode()
    assert html.endswith("</html>\n")
    kept = html.partition('id="answers">')[2].partition("</script>")[0]
    assert "<" not in kept
    assert json.loads(kept) == answers
