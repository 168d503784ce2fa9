"""What a newcomer sees: prices are collected, and after each run it is told which lines kept how much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.acceptance.conftest import JOB, Serve
from tests.integration.store.proxy import Proxy
from volaris.logs import setup_logging
from volaris.settings import Settings

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - INFO - job_completed - "
    r"job_id=prices_1m memory_mb=\d+\.\d+ memory_percent=\d+\.\d+ "
    r"duration_s=\S+ peak_mb=\S+ rss_diff_mb=\S+ retained_kb=\S+ level=lines run=1"
)
ALLOCATION = re.compile(
    r" - INFO - job_allocations - job_id=prices_1m \+\S+ (B|KiB|MiB) \(\+\d+\) volaris/\S+\.py:\d+ \S+"
)


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    setup_logging("INFO", "text")
    yield capsys
    setup_logging("WARNING", "text")


async def test_run_is_logged_in_the_form_of_the_contract_with_lines_of_ours(
    serve: Serve, database_url: str, log: pytest.CaptureFixture[str]
) -> None:
    async with serve(Settings(database_url=database_url)) as running:
        await running.is_up()
        await running.run()
    lines = log.readouterr().err.splitlines()
    assert [line for line in lines if LINE.fullmatch(line)], lines
    assert [line for line in lines if ALLOCATION.search(line)], lines
    assert sum(" - job_allocations - " in line for line in lines) <= 5


async def test_prices_of_all_symbols_are_stored_and_served_with_their_source(serve: Serve, database_url: str) -> None:
    async with serve(Settings(database_url=database_url)) as running:
        await running.is_up()
        assert (await running.run()).error_text is None
        assert (await running.json("/readyz"))["status"] == "ok"
        symbols = [entry["symbol"] for entry in (await running.json("/api/v1/symbols"))["symbols"]]
        assert len(symbols) == 503
        for symbol in ("AAPL", symbols[0], symbols[-1]):
            (price,) = (await running.json(f"/api/v1/prices/{symbol}?limit=1"))["prices"]
            assert price["source"] == "simulated"
            assert 0 < price["bid"] < price["price"] < price["ask"]


async def test_diff_after_two_runs_adds_up_and_names_files_of_ours(serve: Serve, database_url: str) -> None:
    async with serve(Settings(database_url=database_url)) as running:
        await running.is_up()
        await running.run()
        assert (await running.json(f"/debug/memory/diff?job={JOB}", status=409))["detail"].startswith(
            f"job '{JOB}' has 1"
        )
        await running.run()
        diff = await running.json(f"/debug/memory/diff?job={JOB}&limit=1000")
        totals, sites = diff["totals"], diff["sites"]
        assert (diff["job"], diff["run"]["id"], diff["against"]["id"]) == (JOB, 2, 1)
        assert totals["attributed_bytes"] + totals["unattributed_bytes"] == totals["size_diff_bytes"]
        assert sum(site["size_diff_bytes"] for site in sites) == totals["listed_bytes"]
        assert totals["listed_bytes"] + totals["omitted_bytes"] == totals["attributed_bytes"]
        assert any(site["file"].startswith("volaris/") for site in sites)
        assert diff["run"]["degraded"] is None
        # What the profiler holds the loop for is in every run; what a busy machine makes it wait for is not.
        stalls_ms = [diff["run"]["cost"]["stall_ms"]]
        while min(stalls_ms) >= 50 and len(stalls_ms) < 8:
            await running.run()
            (latest,) = (await running.json(f"/debug/memory/runs?job={JOB}&limit=1"))["runs"]
            stalls_ms.append(latest["cost"]["stall_ms"])
        assert min(stalls_ms) < 50


async def test_replayed_bars_are_real_and_say_so(serve: Serve, database_url: str) -> None:
    async with serve(Settings(database_url=database_url, market_source="replay")) as running:
        await running.is_up()
        for _ in range(4):
            assert (await running.run()).error_text is None
        prices = (await running.json("/api/v1/prices/AAPL"))["prices"]
    # The bar of 2000-03-01: open 118.56, high 132.06, low 118.50, close 130.31.
    assert [price["price"] for price in prices] == [130.31, 132.06, 118.5, 118.56]
    assert {price["source"] for price in prices} == {"replay"}
    assert datetime.fromisoformat(prices[0]["quoted_at"]) == datetime(2000, 3, 1, 21, 0, tzinfo=UTC)


async def test_database_that_is_down_at_the_start_is_waited_for(serve: Serve, proxy: Proxy) -> None:
    proxy.cut()
    async with serve(Settings(database_url=proxy.url)) as running:
        assert (await running.json("/livez"))["status"] == "ok"
        detail = (await running.json("/readyz", status=503))["detail"]
        assert detail.startswith("the service is not ready: ")
        assert "s3cret" not in detail
        assert (await running.json("/api/v1/prices/AAPL", status=503))["status"] == 503
        failed = await running.run()
        assert failed.error_text is not None
        assert failed.error_text.startswith("StoreUnavailable: ")
        await proxy.accept()
        await running.is_up()
        assert (await running.run()).error_text is None
        assert (await running.json("/readyz"))["status"] == "ok"


async def test_database_that_goes_away_in_a_run_fails_that_run_and_the_next_works(serve: Serve, proxy: Proxy) -> None:
    async with serve(Settings(database_url=proxy.url, profiling="counters")) as running:
        await running.is_up()
        proxy.cut_after(20_000)
        failed = await running.run()
        assert failed.error_text is not None
        assert failed.error_text.startswith("StoreUnavailable: ")
        await proxy.accept()
        assert (await running.run()).error_text is None
        counts = [
            (await running.json(f"/api/v1/prices/{symbol}"))["count"]
            for symbol in [entry.symbol for entry in await running.service.source.symbols()][:50:7]
        ]
        assert all(count in {1, 2} for count in counts)


async def test_embedded_server_is_used_where_no_address_is_set(serve: Serve, tmp_path: Path) -> None:
    async with serve(Settings(data_dir=tmp_path, profiling="counters")) as running:
        await running.is_up()
        assert (await running.run()).error_text is None
        assert (await running.json("/api/v1/prices/AAPL"))["count"] == 1


async def test_secrets_are_in_no_answer(serve: Serve, database_url: str) -> None:
    settings = Settings(database_url=database_url, environment="production", debug_token="t0ken", profiling="counters")
    async with serve(settings) as running:
        await running.is_up()
        assert (await running.json("/debug/health"))["environment"] == "production"
        assert (await running.json("/debug/memory", status=403))["status"] == 403
        headers = {"Authorization": "Bearer t0ken"}
        async with running.client.get("/debug/memory", headers=headers) as response:
            assert response.status == 200
            assert "t0ken" not in await response.text()
