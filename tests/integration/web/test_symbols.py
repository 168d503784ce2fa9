"""GET /api/v1/symbols, and what every route has in common."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.web.service import Directory, Parts, document_in, problem_in, serving
from volaris.errors import SourceUnavailable
from volaris.web.symbols import SymbolsSchema


async def test_all_symbols_are_listed_with_their_names() -> None:
    async with serving() as client, client.get("/api/v1/symbols") as response:
        assert await document_in(response, SymbolsSchema()) == {
            "count": 3,
            "symbols": [
                {"symbol": "AAPL", "name": "Apple"},
                {"symbol": "BRK.B", "name": "Berkshire Hathaway"},
                {"symbol": "MSFT", "name": "M"},
            ],
            "next_cursor": None,
        }


async def test_symbols_come_in_pages_to_the_last() -> None:
    pages: list[list[str]] = []
    query = {"limit": "2"}
    async with serving() as client:
        while True:
            async with client.get("/api/v1/symbols", params=query) as response:
                document: Any = await document_in(response, SymbolsSchema())
            pages.append([entry["symbol"] for entry in document["symbols"]])
            if document["next_cursor"] is None:
                break
            query["cursor"] = document["next_cursor"]
    assert pages == [["AAPL", "BRK.B"], ["MSFT"]]


async def test_a_parameter_that_there_is_not_is_a_422_with_those_there_are() -> None:
    async with serving() as client, client.get("/api/v1/symbols?format=csv") as response:
        document = await problem_in(response, 422)
    assert document["errors"] == {"format": ["unknown parameter; this route accepts: limit, cursor"]}


async def test_a_source_that_is_away_is_a_503() -> None:
    parts = Parts(directory=Directory(error=SourceUnavailable("cboe", "*", "refused")))
    async with serving(parts) as client, client.get("/api/v1/symbols") as response:
        await problem_in(response, 503)


@pytest.mark.parametrize("path", ["/api", "/api/v1/price/AAPL", "/api/v1/prices/", "/api/v1/prices/A/B"])
async def test_a_path_that_is_not_there_is_a_404_problem(path: str) -> None:
    async with serving() as client, client.get(path) as response:
        assert (await problem_in(response, 404))["detail"] == f"there is no page at {path}; check the path"


async def test_a_wrong_method_is_a_405_problem() -> None:
    async with serving() as client, client.post("/api/v1/symbols") as response:
        assert (await problem_in(response, 405))["allowed"] == ["GET", "HEAD"]


async def test_head_is_answered_wherever_get_is() -> None:
    async with serving() as client, client.head("/api/v1/symbols") as response:
        assert response.status == 200
        assert await response.read() == b""
