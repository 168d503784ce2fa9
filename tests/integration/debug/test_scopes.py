"""The routes about scopes and about live memory, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from profiling import Level, Profiler
from profiling.samples import sampler
from profiling.web import mount
from tests.integration.debug.conftest import Client, problem
from tests.integration.debug.declared import held_to_declarations

needs_samples = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

ITEMS = "GET /items/{id}"
PATHS_OF_ITEMS = ["/scopes/GET%20/items/%7Bid%7D", "/scopes/GET%20%2Fitems%2F%7Bid%7D"]
KEPT_BYTES = 100 * 100_033  # with the heads of the objects


def keep(kept: list[bytes]) -> None:
    kept.extend(bytes(100_000) for _ in range(100))


def churn() -> None:
    for _ in range(400):
        bytes(100_000)


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    profiler = Profiler(level=Level.SAMPLES, limit_mb=512, sample_bytes=1_024, window_s=3_600)
    yield profiler
    profiler.close()


@pytest.fixture
def kept(profiler: Profiler) -> list[bytes]:
    """What a scope with slashes in its name keeps, beside one that keeps nothing."""
    kept: list[bytes] = []
    with profiler.scope(ITEMS):
        keep(kept)
    with profiler.scope(ITEMS):
        churn()
    with profiler.scope("worker"):
        pass
    return kept


@asynccontextmanager
async def client_of(profiler: Profiler) -> AsyncIterator[Client]:
    app = web.Application()
    mount(app, profiler, open_to_all=True)
    with held_to_declarations(app):
        async with TestClient(TestServer(app)) as client:
            yield client


async def get(client: Client, path: str) -> Any:
    async with client.get(URL(f"/debug{path}", encoded=True)) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def text_of(client: Client, path: str) -> str:
    async with client.get(URL(f"/debug{path}", encoded=True)) as response:
        assert (response.status, response.content_type) == (200, "text/plain")
        return await response.text()


def check_sums(told: dict[str, Any]) -> None:
    totals, sites = told["totals"], told["sites"]
    assert totals["attributed_bytes"] + totals["unattributed_bytes"] == totals["size_bytes"]
    assert totals["listed_bytes"] + totals["omitted_bytes"] == totals["attributed_bytes"]
    assert sum(site["size_bytes"] for site in sites) == totals["listed_bytes"]
    assert sum(site["allocated_bytes"] for site in sites) <= told["allocated"]["attributed_bytes"] + len(sites)


@needs_samples
@pytest.mark.parametrize("path", PATHS_OF_ITEMS)
async def test_scope_with_slashes_in_its_name_is_found_encoded_or_not(
    profiler: Profiler, kept: list[bytes], path: str
) -> None:
    async with client_of(profiler) as client:
        told = await get(client, path)
        text = await text_of(client, f"{path}?format=text")
    assert len(kept) == 100
    assert (told["scope"], told["kind"], told["calls"], told["active"]) == (ITEMS, "scope", 2, 0)
    assert abs(told["live_bytes"] - KEPT_BYTES) <= 5 * told["error_bytes"]
    check_sums(told)
    largest = told["sites"][0]
    assert (largest["path"], largest["function"]) == (__file__, "keep.<locals>.<genexpr>")
    assert largest["source"] == "kept.extend(bytes(100_000) for _ in range(100))"
    assert ITEMS in text
    assert largest["source"] in text


@needs_samples
@pytest.mark.parametrize("group_by", ["line", "function", "file", "scope"])
@pytest.mark.parametrize("limit", [1, 100])
async def test_sums_of_live_memory_add_up(profiler: Profiler, kept: list[bytes], group_by: str, limit: int) -> None:
    async with client_of(profiler) as client:
        told = await get(client, f"/memory/live?group_by={group_by}&limit={limit}")
        text = await text_of(client, f"/memory/live?group_by={group_by}&limit={limit}&format=text")
    assert len(kept) == 100
    assert told["group_by"] == group_by
    assert len(told["sites"]) <= limit
    assert told["totals"]["size_bytes"] >= KEPT_BYTES - 5 * told["totals"]["error_bytes"]
    check_sums(told)
    assert (ITEMS if group_by == "scope" else "test_scopes.py") in text


@needs_samples
async def test_order_by_what_was_allocated_lists_first_what_was_freed_since(
    profiler: Profiler, kept: list[bytes]
) -> None:
    async with client_of(profiler) as client:
        by_live = await get(client, f"{PATHS_OF_ITEMS[0]}?group_by=function")
        by_allocated = await get(client, f"{PATHS_OF_ITEMS[0]}?group_by=function&order=allocated")
        of_scope = await get(client, "/memory/live?scope=GET%20/items/%7Bid%7D&group_by=function&order=allocated")
    assert len(kept) == 100
    assert by_live["sites"][0]["function"] == "keep.<locals>.<genexpr>"
    churned = by_allocated["sites"][0]
    assert churned["function"] == "churn"
    assert churned["size_bytes"] == 0
    assert churned["allocated_bytes"] == pytest.approx(40_000_000, rel=0.1)
    assert churned == of_scope["sites"][0]
    check_sums(by_allocated)


@needs_samples
async def test_all_scopes_are_listed_with_jobs_and_what_is_outside(profiler: Profiler, kept: list[bytes]) -> None:
    with profiler.run("sync"):
        pass
    async with client_of(profiler) as client:
        told = await get(client, "/scopes")
        first = await get(client, "/scopes?limit=1")
        text = await text_of(client, "/scopes?format=text")
        assert (await get(client, "/scopes/worker"))["calls"] == 1
    assert len(kept) == 100
    kinds = {scope["scope"]: scope["kind"] for scope in told["scopes"]}
    assert kinds == {ITEMS: "scope", "worker": "scope", "sync": "job", "(outside jobs)": "outside"}
    assert told["omitted"] == 0
    assert (len(first["scopes"]), first["omitted"]) == (1, 3)
    assert [name for name in kinds if name not in text] == []


@needs_samples
async def test_unknown_scope_is_a_404_with_the_known_names(profiler: Profiler, kept: list[bytes]) -> None:
    async with client_of(profiler) as client:
        told = await problem(await client.get("/debug/scopes/GET /nothing"), 404)
    assert len(kept) == 100
    assert told["known"] == ["(outside jobs)", ITEMS, "worker"]
    assert told["detail"].startswith("there is no scope or job 'GET /nothing'; the known ones are: (outside jobs), ")


@pytest.mark.parametrize("path", ["/memory/live", "/scopes", "/scopes/sync"])
async def test_profiler_without_samples_answers_with_409(path: str) -> None:
    profiler = Profiler(level=Level.COUNTERS)
    with profiler.run("sync"):
        pass
    with closing(profiler):
        async with client_of(profiler) as client:
            told = await problem(await client.get(f"/debug{path}"), 409)
    assert "no samples" in told["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/memory/live?group_by=package", "group_by"),
        ("/memory/live?order=size", "order"),
        ("/memory/live?limit=0", "limit"),
        ("/memory/live?job=sync", "job"),
        ("/scopes?order=allocated", "order"),
        ("/scopes?format=csv", "format"),
        ("/scopes/sync?scope=sync", "scope"),
        ("/scopes/sync?limit=many", "limit"),
    ],
)
async def test_query_that_does_not_fit_is_a_422_that_names_the_field(profiler: Profiler, path: str, field: str) -> None:
    async with client_of(profiler) as client:
        told = await problem(await client.get(f"/debug{path}"), 422)
    assert list(told["errors"]) == [field]
