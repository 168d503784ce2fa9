"""The data API over a real database: pages, streams, tags, and what a stream of a million rows takes."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from marshmallow import Schema

from tests.acceptance.conftest import Running, Serve
from tests.acceptance.streaming import INSERT_PRICES, served
from tests.integration.store.chains import FIRST, MOMENT, SECOND, chain
from tests.integration.store.proxy import Proxy
from tests.integration.web.service import document_in, problem_in
from tests.postgres import execute, run_apart
from volaris.settings import Settings
from volaris.store import ConstituentRow, MetricsRow, PriceRow, TermRow
from volaris.web.iv import IvSchema
from volaris.web.options import OptionsSchema
from volaris.web.prices import PricesSchema
from volaris.web.screener import SORTS, ScreenerSchema
from volaris.web.symbols import SymbolsSchema

SCHEMAS: dict[str, Schema] = {
    "prices/AAPL": PricesSchema(),
    "options/AAPL": OptionsSchema(),
    "iv/AAPL": IvSchema(),
    "screener": ScreenerSchema(),
    "symbols": SymbolsSchema(),
}
ROWS = {
    "prices/AAPL": "prices",
    "options/AAPL": "contracts",
    "iv/AAPL": "history",
    "screener": "members",
    "symbols": "symbols",
}
STREAMED = [name for name in SCHEMAS if name != "symbols"]
DAY = date(2025, 10, 14)
METRICS = MetricsRow(
    symbol="AAPL",
    day=DAY,
    computed_at=MOMENT,
    source="simulated",
    spot=248.37,
    contracts=512,
    iv30=0.31,
    atm_iv=0.3,
    skew_25d=0.04,
    iv_rank=None,
    iv_percentile=60.0,
    iv_days=252,
    parkinson_20=0.22,
)
TERM = TermRow(symbol="AAPL", expiration=SECOND, years=0.1, forward=249.0, atm_iv=0.3, skew_25d=None, contracts=60)
PRICE = PriceRow(symbol="AAPL", source="simulated", price=101.5, bid=None, ask=101.75, volume=None, quoted_at=MOMENT)


@pytest_asyncio.fixture
async def api(serve: Serve, database_url: str) -> AsyncIterator[Running]:
    """A service over a database without rows."""
    async with serve(Settings(database_url=database_url, profiling="counters")) as running:
        await running.is_up()
        yield running


@pytest_asyncio.fixture
async def filled(api: Running) -> Running:
    """250 prices of two sources, a chain of 80 contracts, 30 days of figures, and 20 members."""
    store = api.service.store
    prices = [
        replace(PRICE, source=source, quoted_at=MOMENT - timedelta(minutes=number), price=100 + number)
        for number in range(125)
        for source in ("cboe", "simulated")
    ]
    await store.prices.save(prices)
    await store.options.replace([chain("AAPL", 80)])
    days = [replace(METRICS, day=DAY - timedelta(days=number), iv30=0.2 + number / 100) for number in range(30)]
    await store.metrics.save(days, [TERM])
    symbols = [entry.symbol for entry in await api.service.source.symbols()][:20]
    members = [ConstituentRow(symbol=symbol, name=f"{symbol} Inc.", sector=None, since=None) for symbol in symbols]
    await store.constituents.replace(members, MOMENT)
    ranked = [
        replace(METRICS, symbol=symbol, iv_rank=float(number // 2), iv30=None if number % 5 == 0 else 0.1)
        for number, symbol in enumerate(symbols)
        if symbol != "AAPL"
    ]
    await store.metrics.save(ranked, [])
    return api


def stored(path: str) -> str:
    """The path of what is stored, without a fetch. The symbols are those of the source."""
    if path.startswith("symbols"):
        return path
    return f"{path}{'&' if '?' in path else '?'}fresh=never"


async def pages_of(running: Running, path: str, limit: int, query: str = "") -> list[Any]:
    """The pages of a list, each held to its schema, to the last."""
    pages, cursor = [], ""
    while True:
        async with running.client.get(f"/api/v1/{stored(f'{path}?limit={limit}{query}{cursor}')}") as response:
            page: Any = await document_in(response, SCHEMAS[path])
        pages.append(page)
        if page["next_cursor"] is None:
            return pages
        cursor = f"&cursor={page['next_cursor']}"


async def text_of(running: Running, path: str) -> str:
    async with running.client.get(f"/api/v1/{stored(path)}") as response:
        assert response.status == 200
        return await response.text()


@pytest.mark.parametrize("limit", [1, 7, 40, 1000])
@pytest.mark.parametrize("path", STREAMED)
async def test_pages_have_each_row_once_and_in_the_order_of_the_whole(filled: Running, path: str, limit: int) -> None:
    pages = await pages_of(filled, path, limit)
    paged = [row for page in pages for row in page[ROWS[path]]]
    (whole,) = await pages_of(filled, path, 1000)
    assert paged == whole[ROWS[path]]
    assert len(paged) >= 15
    assert [page["count"] for page in pages] == [len(page[ROWS[path]]) for page in pages]
    assert all(page["count"] == limit for page in pages[:-1])
    assert pages[-1]["count"] > 0


@pytest.mark.parametrize("path", STREAMED)
async def test_streams_have_the_rows_of_the_pages(filled: Running, path: str) -> None:
    (whole,) = await pages_of(filled, path, 1000)
    lines = [orjson.loads(line) for line in (await text_of(filled, f"{path}?format=ndjson")).splitlines()]
    assert [{name: line[name] for name in row} for line, row in zip(lines, whole[ROWS[path]], strict=True)] == whole[
        ROWS[path]
    ]
    table = list(csv.DictReader(io.StringIO(await text_of(filled, f"{path}?format=csv"))))
    assert [row | {"symbol": line["symbol"]} for row, line in zip(table, lines, strict=True)] == [
        {name: "" if value is None else str(value) for name, value in line.items()} for line in lines
    ]


async def test_all_symbols_of_the_source_come_in_pages_or_at_once(api: Running) -> None:
    pages = await pages_of(api, "symbols", 100)
    (whole,) = await pages_of(api, "symbols", 1000)
    assert [page["count"] for page in pages] == [100, 100, 100, 100, 100, 3]
    assert [row for page in pages for row in page["symbols"]] == whole["symbols"]
    assert (await api.json("/api/v1/symbols"))["symbols"] == whole["symbols"]


async def test_prices_are_newest_first_and_of_one_moment_by_source_from_z_to_a(filled: Running) -> None:
    prices = [row for page in await pages_of(filled, "prices/AAPL", 3) for row in page["prices"]]
    keys = [(row["quoted_at"], row["source"]) for row in prices]
    assert keys == sorted(keys, reverse=True)
    assert len(set(keys)) == 250


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 80),
        ("type=call", 40),
        ("type=put", 40),
        (f"expiration={FIRST}", 40),
        ("expiration=2030-01-01", 0),
        ("min_strike=100", 64),
        ("max_strike=100", 20),
        ("min_strike=100&max_strike=100", 4),
        (f"expiration={SECOND}&type=put&min_strike=100&max_strike=102.5", 2),
        ("min_strike=0&max_strike=1e300", 80),
    ],
)
async def test_contracts_are_those_asked_for_in_every_form(filled: Running, query: str, count: int) -> None:
    pages = await pages_of(filled, "options/AAPL", 3, f"&{query}" if query else "")
    assert sum(page["count"] for page in pages) == count
    assert (await text_of(filled, f"options/AAPL?format=ndjson&{query}")).count("\n") == count


async def test_chain_tells_what_it_is_of_and_null_where_there_is_no_bid(api: Running) -> None:
    rows = replace(chain("AAPL", 2), bid=chain("AAPL", 2).bid * 0)
    await api.service.store.options.replace([rows])
    (page,) = await pages_of(api, "options/AAPL", 10)
    assert page["chain"] == {
        "source": "simulated",
        "spot": 100.0,
        "quoted_at": "2025-10-14T15:30:00Z",
        "written_at": page["chain"]["written_at"],
        "contracts": 2,
        "listed": 7,
    }
    assert page["contracts"][0] == {
        "expiration": "2025-10-17",
        "type": "put",
        "strike": 90.0,
        "bid": None,
        "ask": 10.1,
        "volume": 0,
        "open_interest": 0,
    }


async def test_figures_are_the_latest_with_their_terms_and_all_days(filled: Running) -> None:
    (page,) = await pages_of(filled, "iv/AAPL", 100)
    assert page["latest"] == page["history"][0] | {"terms": page["latest"]["terms"]}
    assert page["latest"]["day"] == "2025-10-14"
    assert page["latest"]["terms"] == [
        {"expiration": "2025-11-21", "years": 0.1, "forward": 249.0, "atm_iv": 0.3, "skew_25d": None, "contracts": 60}
    ]
    assert page["latest"]["parkinson_20"] == 0.22
    assert page["latest"]["yang_zhang_60"] is None
    days = [row["day"] for row in page["history"]]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("sort", SORTS)
async def test_screener_has_the_highest_first_and_leaves_out_who_has_no_figure(filled: Running, sort: str) -> None:
    pages = await pages_of(filled, "screener", 4, f"&sort={sort}")
    members = [row for page in pages for row in page["members"]]
    order = [(-row[sort], row["symbol"]) for row in members]
    assert order == sorted(order)
    assert [row["rank"] for row in members] == list(range(1, len(members) + 1))
    assert all(row["name"] == f"{row['symbol']} Inc." for row in members)


@pytest.mark.parametrize("path", STREAMED)
async def test_what_no_job_has_written_yet_is_an_empty_list(api: Running, path: str) -> None:
    (page,) = await pages_of(api, path, 10)
    assert (page["count"], page[ROWS[path]], page["next_cursor"]) == (0, [], None)
    assert page.get("latest") is None
    assert page.get("chain") is None
    assert await text_of(api, f"{path}?format=ndjson") == ""
    assert (await text_of(api, f"{path}?format=csv")).count("\n") == 1


@pytest.mark.parametrize("route", ["prices", "options", "iv"])
@pytest.mark.parametrize("form", ["json", "csv", "ndjson"])
async def test_unknown_symbol_is_a_404_with_the_nearest(api: Running, route: str, form: str) -> None:
    async with api.client.get(f"/api/v1/{route}/APPL?format={form}") as response:
        document: Any = await problem_in(response, 404)
    assert "AAPL" in document["near"]
    assert document["known_count"] == 503


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("options/AAPL?expiration=soon", "expiration"),
        ("options/AAPL?expiration=2025-02-30", "expiration"),
        ("options/AAPL?type=both", "type"),
        ("options/AAPL?min_strike=-1", "min_strike"),
        ("options/AAPL?min_strike=nan", "min_strike"),
        ("options/AAPL?max_strike=inf", "max_strike"),
        ("options/AAPL?min_strike=10&max_strike=9", "max_strike"),
        ("options/AAPL?limit=1001", "limit"),
        ("options/AAPL?cursor=x", "cursor"),
        ("options/AAPL?format=xml", "format"),
        ("options/AAPL?format=csv&limit=3", "limit"),
        ("options/AAPL?strike=3", "strike"),
        ("iv/AAPL?cursor=x", "cursor"),
        ("iv/AAPL?limit=0", "limit"),
        ("iv/AAPL?format=ndjson&cursor=WyJpdiIsIjIwMjUtMTAtMTQiXQ", "cursor"),
        ("screener?sort=spot", "sort"),
        ("screener?cursor=WyJzY3JlZW5lciIsIml2MzAiLDAuMSwiQUFQTCJd", "cursor"),  # of sort=iv30
        ("symbols?cursor=x", "cursor"),
    ],
)
async def test_what_does_not_fit_is_a_422_that_names_the_field(api: Running, path: str, field: str) -> None:
    async with api.client.get(f"/api/v1/{path}") as response:
        document: Any = await problem_in(response, 422)
    assert list(document["errors"]) == [field]


async def tag_of(running: Running, path: str, known: str = "") -> tuple[int, str]:
    headers = {"If-None-Match": known} if known else {}
    async with running.client.get(f"/api/v1/{stored(path)}", headers=headers) as response:
        body = await response.read()
        assert (response.status == 304) == (body == b"") or "ndjson" in path
        assert response.headers["Cache-Control"] == "no-cache"
        return response.status, response.headers["ETag"]


@pytest.mark.parametrize("path", STREAMED)
async def test_tag_holds_until_a_run_writes_and_is_of_one_query(filled: Running, path: str) -> None:
    paths = [path, f"{path}?limit=5", f"{path}?format=csv", f"{path}?format=ndjson"]
    tags = [(await tag_of(filled, one))[1] for one in paths]
    assert all(tag.startswith('W/"') for tag in tags)
    assert len(set(tags)) == len(paths)
    for one, tag in zip(paths, tags, strict=True):
        assert await tag_of(filled, one, tag) == (304, tag)
        assert (await tag_of(filled, one, f'"other", {tag.removeprefix("W/")}'))[0] == 304
        assert (await tag_of(filled, one, '"other"'))[0] == 200
    later = MOMENT + timedelta(minutes=1)
    store = filled.service.store
    await store.prices.save([replace(PRICE, quoted_at=later)])
    await store.options.replace([chain("AAPL", 80, spot=101.0)])
    await store.metrics.save([replace(METRICS, iv_rank=50.0, computed_at=later)], [TERM])
    for one, tag in zip(paths, tags, strict=True):
        status, new = await tag_of(filled, one, tag)
        assert status == 200
        assert new != tag


async def test_tag_of_prices_changes_with_a_correction_of_the_newest_row(filled: Running) -> None:
    _, tag = await tag_of(filled, "prices/AAPL")
    await filled.service.store.prices.save([replace(PRICE, price=55.0)])
    assert (await tag_of(filled, "prices/AAPL", tag))[0] == 200


async def test_tag_of_the_screener_changes_with_the_members(filled: Running) -> None:
    _, tag = await tag_of(filled, "screener")
    members = await filled.service.store.constituents.members()
    await filled.service.store.constituents.replace(members[1:], MOMENT)
    assert (await tag_of(filled, "screener", tag))[0] == 200


async def test_chain_that_is_replaced_while_it_is_read_is_never_mixed_with_the_next(filled: Running) -> None:
    stop = asyncio.Event()

    async def replacing() -> None:
        spot = 100.0
        while not stop.is_set():
            spot += 1
            await filled.service.store.options.replace([chain("AAPL", 1_600, spot=spot)])

    writing = asyncio.create_task(replacing())
    try:
        for _ in range(20):
            async with filled.client.get("/api/v1/options/AAPL?format=ndjson&fresh=never") as response:
                lines = [orjson.loads(line) for line in (await response.read()).splitlines()]
            if response.status == 200:
                assert {line["bid"] for line in lines} == {lines[0]["spot"] / 10}
            async with filled.client.get("/api/v1/options/AAPL?limit=1000&fresh=never") as response:
                page = orjson.loads(await response.read())
            if response.status == 200:
                assert {row["bid"] for row in page["contracts"]} == {page["chain"]["spot"] / 10}
    finally:
        stop.set()
        await writing


def in_use(running: Running) -> int:
    database = running.service.store._database
    assert database is not None
    return database.statistics().in_use


async def test_client_that_goes_away_gives_its_connection_back(api: Running, database_url: str) -> None:
    await execute(database_url, INSERT_PRICES.format(rows=200_000))
    response = await api.client.get("/api/v1/prices/AAPL?format=csv&fresh=never")
    await response.content.readline()
    assert in_use(api) == 1
    response.close()
    async with asyncio.timeout(60):
        while in_use(api):  # noqa: ASYNC110 - a pool has no event for it
            await asyncio.sleep(0.01)


async def test_database_that_goes_away_in_a_stream_cuts_it_and_the_next_one_works(serve: Serve, proxy: Proxy) -> None:
    async with serve(Settings(database_url=proxy.url, profiling="counters")) as running:
        await running.is_up()
        async with running.service.store.acquire() as connection:
            await connection.execute(INSERT_PRICES.format(rows=200_000))
        response = await running.client.get("/api/v1/prices/AAPL?format=csv&fresh=never")
        assert response.status == 200
        await response.content.readline()
        proxy.cut()
        with pytest.raises(aiohttp.ClientError):
            await response.read()
        await running.json("/api/v1/prices/AAPL?format=csv&fresh=never", status=503)
        await proxy.accept()
        async with running.client.get("/api/v1/prices/AAPL?format=csv&fresh=never") as again:
            assert (await again.read()).count(b"\n") == 200_001
        assert in_use(running) == 0


async def test_stream_does_not_hold_the_loop(api: Running, database_url: str) -> None:
    await execute(database_url, INSERT_PRICES.format(rows=50_000))
    turns: list[float] = []

    async def watch() -> None:
        while True:
            turns.append(time.process_time())  # and not the wall's: other processes on this machine are not our stalls
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    async with api.client.get("/api/v1/prices/AAPL?format=csv&fresh=never") as response:
        async for _ in response.content.iter_any():
            pass
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert max(after - before for before, after in pairwise(turns)) < 0.05


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_million_rows_add_less_than_10_mb(database_url: str, tmp_path: Path) -> None:
    run_apart(execute(database_url, INSERT_PRICES.format(rows=1_000_000)))
    with served(tmp_path, database_url, PROFILING="counters") as service:
        for form in ("csv", "ndjson"):
            assert service.discard("/api/v1/prices/AAPL?limit=1000&fresh=never")[0] == 200
            before_kb = service.rss_kb()
            service.forget_peak()
            status, lines = service.discard(f"/api/v1/prices/AAPL?format={form}&fresh=never")
            added_mb = (service.peak_kb() - before_kb) / 1024
            assert (status, lines) == (200, 1_000_000 + (form == "csv"))
            assert added_mb < 10
