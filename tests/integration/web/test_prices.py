"""GET /api/v1/prices/{symbol}: rows, limits, and what is answered when there are none to give."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.integration.web.service import ROW, Directory, Listed, Parts, Prices, document_in, problem_in, serving
from volaris.errors import SourceTimeout, SourceUnavailable, StoreError, StoreUnavailable
from volaris.store import PriceRow
from volaris.web.prices import PricesSchema


async def test_the_rows_are_answered_as_the_store_gives_them_each_with_its_source() -> None:
    newest = replace(ROW, source="cboe", price=101.1, bid=None, ask=None, volume=None)
    older = replace(ROW, quoted_at=datetime(2025, 10, 14, 15, 28, 0, 250_000, tzinfo=UTC))
    parts = Parts(prices=Prices(rows=[newest, older]))
    async with serving(parts) as client, client.get("/api/v1/prices/AAPL?limit=2") as response:
        assert await document_in(response, PricesSchema()) == {
            "symbol": "AAPL",
            "fetched": False,
            "age_s": 12.5,
            "fetch_error": None,
            "count": 2,
            "prices": [
                {
                    "source": "cboe",
                    "price": 101.1,
                    "bid": None,
                    "ask": None,
                    "volume": None,
                    "quoted_at": "2025-10-14T15:30:00Z",
                },
                {
                    "source": "simulated",
                    "price": 101.5,
                    "bid": 101.25,
                    "ask": 101.75,
                    "volume": 1000,
                    "quoted_at": "2025-10-14T15:28:00.250000Z",
                },
            ],
            "next_cursor": None,
        }


async def test_a_time_in_another_zone_keeps_its_moment() -> None:
    new_york = timezone(timedelta(hours=-4))
    row = replace(ROW, quoted_at=datetime(2025, 10, 14, 11, 30, tzinfo=new_york))
    async with serving(Parts(prices=Prices(rows=[row]))) as client, client.get("/api/v1/prices/AAPL") as response:
        document = await document_in(response, PricesSchema())
    assert '"2025-10-14T11:30:00-04:00"' in str(document).replace("'", '"')


async def test_a_symbol_without_rows_yet_is_an_empty_list() -> None:
    async with serving(Parts(prices=Prices("BRK.B"))) as client, client.get("/api/v1/prices/BRK.B") as response:
        document = await document_in(response, PricesSchema())
    assert (document["count"], document["prices"], document["next_cursor"]) == (0, [], None)
    assert (document["fetched"], document["age_s"], document["fetch_error"]) == (False, None, None)


def rows(count: int) -> list[PriceRow]:
    return [replace(ROW, quoted_at=ROW.quoted_at - timedelta(minutes=number)) for number in range(count)]


@pytest.mark.parametrize(("query", "limit"), [("", 100), ("?limit=1", 1), ("?limit=1000", 1000)])
@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_a_page_has_100_rows_where_nothing_is_said_and_a_cursor_where_there_are_more(
    query: str, limit: int, more: int
) -> None:
    parts = Parts(prices=Prices(rows=rows(limit + more)))
    async with serving(parts) as client, client.get(f"/api/v1/prices/AAPL{query}") as response:
        document = await document_in(response, PricesSchema())
    assert document["count"] == min(limit, limit + more)
    assert (document["next_cursor"] is not None) == (more > 0)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "1.5", "", "9" * 5000, "nan"])
async def test_a_limit_that_does_not_fit_is_a_422_that_names_the_field(limit: str) -> None:
    async with serving() as client, client.get("/api/v1/prices/AAPL", params={"limit": limit}) as response:
        document = await problem_in(response, 422)
    assert document["errors"] == {"limit": ["must be a whole number from 1 to 1000"]}
    assert document["detail"] == "limit: must be a whole number from 1 to 1000"


async def test_a_misspelt_parameter_is_a_422_that_names_it_and_what_there_is() -> None:
    async with serving() as client, client.get("/api/v1/prices/AAPL?limt=5") as response:
        document = await problem_in(response, 422)
    assert document["errors"] == {"limt": ["unknown parameter; this route accepts: limit, cursor, format, fresh"]}


async def test_every_field_that_does_not_fit_is_named() -> None:
    async with serving() as client, client.get("/api/v1/prices/AAPL?limit=x&offset=1") as response:
        document = await problem_in(response, 422)
    assert document["errors"] == {
        "limit": ["must be a whole number from 1 to 1000"],
        "offset": ["unknown parameter; this route accepts: limit, cursor, format, fresh"],
    }


@pytest.mark.parametrize("spelling", ["APPL", "aapl"])
async def test_an_unknown_symbol_is_a_404_with_the_nearest_and_all_there_are(spelling: str) -> None:
    async with serving() as client, client.get(f"/api/v1/prices/{spelling}") as response:
        document = await problem_in(response, 404)
    assert document["near"] == ["AAPL"]
    assert document["known"] == ["AAPL", "BRK.B", "MSFT"]
    assert document["known_count"] == 3
    assert document["detail"] == (
        f"there is no symbol '{spelling}'; did you mean AAPL? GET /api/v1/symbols lists all 3"
    )


async def test_a_symbol_like_no_other_is_a_404_too() -> None:
    async with serving() as client, client.get("/api/v1/prices/%00%ff%22") as response:
        document = await problem_in(response, 404)
    assert document["near"] == []
    assert "check that it is spelt as on the exchange;" in str(document["detail"])


async def test_of_many_symbols_a_404_shows_only_some() -> None:
    many = tuple(Listed(f"S{number:04}", "") for number in range(10_000))
    parts = Parts(directory=Directory(listed=many))
    async with serving(parts) as client, client.get("/api/v1/prices/S00") as response:
        document = await problem_in(response, 404)
    assert document["known"] == [f"S{number:04}" for number in range(20)]
    assert document["known_count"] == 10_000
    assert len(str(document)) < 1_000


@pytest.mark.parametrize(
    "parts",
    [
        Parts(prices=Prices(error=StoreUnavailable("no connection within 5 s"))),
        Parts(directory=Directory(error=SourceUnavailable("cboe", "*", "no connection within 5 s"))),
        Parts(directory=Directory(error=SourceTimeout("cboe", "*", "no connection within 5 s"))),
    ],
)
async def test_an_outage_is_a_503_with_the_reason_and_when_to_try_again(parts: Parts) -> None:
    async with serving(parts) as client, client.get("/api/v1/prices/AAPL") as response:
        document = await problem_in(response, 503)
        assert response.headers["Retry-After"] == "5"
    assert "no connection within 5 s" in str(document["detail"])


async def test_any_other_error_of_the_store_is_a_500_without_its_text() -> None:
    parts = Parts(prices=Prices(error=StoreError("relation prices does not exist")))
    async with serving(parts) as client, client.get("/api/v1/prices/AAPL") as response:
        assert "relation" not in str(await problem_in(response, 500))
