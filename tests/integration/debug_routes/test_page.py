"""The page under each kind of server."""

from __future__ import annotations

import pytest

from profiling.web import Access
from tests.integration.debug_routes.service import PREFIXES, kind_of_server, serving

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_browser_gets_the_page(prefix: str) -> None:
    async with serving() as client, client.get(f"{prefix}/", headers=BROWSER) as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "<h1 id=" in await response.text()


async def test_browser_without_the_token_gets_the_form() -> None:
    async with serving(access=Access(token="t0ken")) as client:
        async with client.get("/debug/", headers=BROWSER) as response:
            assert (response.status, response.content_type) == (403, "text/html")
        async with client.get("/debug/", headers=BROWSER | {"Authorization": "Bearer t0ken"}) as response:
            assert response.status == 200


async def test_events_come_one_by_one_or_one_at_a_time_if_more_would_hold_a_thread() -> None:
    async with serving() as client, client.get("/debug/events?updates=2") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        text = await response.text()
    assert text.count("event: state\n") == (1 if kind_of_server["now"] == "Flask" else 2)


async def test_head_of_events_is_no_stream() -> None:
    async with serving() as client, client.head("/debug/events") as response:
        assert (response.status, await response.read()) == (200, b"")
