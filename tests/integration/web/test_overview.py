"""GET / on a real server: a page to a browser, JSON to others; to strangers in production only what health shows."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from profiling.web import Access, JobInfo
from profiling.web.accept import prefers_html
from tests.integration.debug.conftest import HandMadeJobs
from tests.integration.web.service import NoJobs, Parts, document_in, serving
from volaris.web import access_of
from volaris.web.overview import OverviewSchema
from volaris.web.overview_page import overview_page

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
CLOSED = access_of("production", "t0ken")
HEALTH = {
    "status": "ok",
    "environment": "production",
    "memory_mb": 128.0,
    "memory_percent": 25.0,
    "scheduler_enabled": True,
}


@dataclass
class Failed(NoJobs):
    """Knows one job, whose id and error no page may show as they are."""

    def jobs(self) -> list[JobInfo]:
        return [
            JobInfo(
                id="<script>alert(1)</script>",
                state="idle",
                description="work & more",
                next_run_at=None,
                last_outcome="failed",
                last_started_at=datetime(2026, 8, 3, 15, 0, tzinfo=UTC),
                last_duration_s=0.5,
                last_error="postgresql://user:hunter2@host",
                runs=3,
                failures=1,
                coalesced_slots=0,
            )
        ]


async def test_program_gets_what_runs_as_json() -> None:
    async with serving(Parts(jobs=HandMadeJobs())) as client, client.get("/") as response:
        document = await document_in(response, OverviewSchema())
        assert response.headers["Vary"] == "Accept, Authorization"
        assert response.headers["Cache-Control"] == "no-store"
    assert document["health"] == HEALTH | {"environment": "development"}
    assert document["memory_limit_mb"] == 512.0
    assert document["jobs"] == [
        {
            "id": "sync",
            "description": "some work",
            "state": "idle",
            "last_outcome": "completed",
            "last_started_at": "2026-08-03T15:00:00Z",
            "next_run_at": "2026-08-03T16:00:00Z",
            "runs": 3,
            "failures": 1,
        }
    ]


async def test_browser_gets_the_same_as_a_page_under_a_strict_policy() -> None:
    async with serving(Parts(jobs=HandMadeJobs())) as client, client.get("/", headers=BROWSER) as response:
        assert (response.status, response.content_type) == (200, "text/html")
        page, policy = await response.text(), response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    for text in ("<title>Volaris</title>", "sync", "some work", "128.0 MB of 512 MB, 25.0 % of the limit", "1 failed"):
        assert text in page
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}';" in policy
    assert "unsafe" not in policy


async def test_page_loads_nothing_and_runs_nothing() -> None:
    async with serving(Parts(jobs=HandMadeJobs())) as client, client.get("/", headers=BROWSER) as response:
        page = await response.text()
    assert not re.search(r"<script|<img|<iframe|@import|url\(|\son\w+=|\sstyle=|\ssrc=", page)
    assert page.count("://") == page.count("xmlns='http://www.w3.org/2000/svg'") == 1  # a name, and no address
    assert re.findall(r'<link rel="icon" href="(data:)', page) == ["data:"]


@pytest.mark.parametrize("access", [CLOSED, access_of("production", None)])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_stranger_in_production_sees_only_what_health_shows(access: Access, headers: dict[str, str]) -> None:
    async with serving(Parts(jobs=HandMadeJobs(), access=access, environment="production")) as client:
        async with client.get("/", headers=headers) as response:
            document = await document_in(response, OverviewSchema())
        async with client.get("/", headers=headers | BROWSER) as response:
            page = await response.text()
    assert document["health"] == HEALTH
    assert (document["version"], document["memory_limit_mb"], document["jobs"]) == (None, None, None)
    assert "sync" not in page
    assert "512" not in page
    assert "<small>0." not in page


async def test_token_opens_the_rest_in_production() -> None:
    headers = {"Authorization": "Bearer t0ken"}
    async with (
        serving(Parts(jobs=HandMadeJobs(), access=CLOSED, environment="production")) as client,
        client.get("/", headers=headers) as response,
    ):
        document = await document_in(response, OverviewSchema())
    assert document["jobs"]
    assert document["version"]


async def test_text_of_a_job_is_escaped_and_its_error_is_not_told() -> None:
    async with serving(Parts(jobs=Failed())) as client:
        async with client.get("/", headers=BROWSER) as response:
            page = await response.text()
        async with client.get("/") as response:
            body = await response.text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "work &amp; more" in page
    assert "<script" not in page
    assert "hunter2" not in page + body


async def test_page_is_well_formed() -> None:
    class Balance(HTMLParser):
        open_tags: list[str] = []  # noqa: RUF012 - one parser, made below

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in {"meta", "link"}:
                self.open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open_tags.pop() == tag

    async with serving(Parts(jobs=HandMadeJobs())) as client, client.get("/", headers=BROWSER) as response:
        parser = Balance()
        parser.feed(await response.text())
    assert parser.open_tags == []


@pytest.mark.parametrize(
    ("accept", "is_html"),
    [
        ("", False),
        ("*/*", False),
        ("application/json, text/plain, */*", False),
        ("text/html", True),
        (BROWSER["Accept"], True),
        ("TEXT/HTML; charset=utf-8", True),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0.5, application/json;q=0.4", True),
        ("text/html;q=0", False),
        ("text/html;q=much", False),
        ("text/*", False),
        (";;,,q=", False),
    ],
)
def test_page_goes_to_who_names_html_and_wants_json_no_more(accept: str, is_html: bool) -> None:
    assert prefers_html(accept) is is_html


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s ago"), (-59, "59 s ago"), (-60, "1 min ago"), (3599, "in 59 min"), (3600, "in 1 h"), (200_000, "in 2 d")],
)
async def test_times_are_told_from_now(seconds: int, text: str) -> None:
    now = datetime(2026, 8, 3, 15, 0, tzinfo=UTC)
    async with serving(Parts(jobs=HandMadeJobs())) as client, client.get("/") as response:
        document = await response.json()
    for job in document["jobs"]:
        job |= {"last_started_at": None, "next_run_at": now + timedelta(seconds=seconds)}
    assert 'title="2026-08-0' in overview_page(document, now)
    assert f">{text}</time>" in overview_page(document, now)
