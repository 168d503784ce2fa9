"""GET /api/v1/symbols, and what every route has in common."""

from __future__ import annotations

import pytest

from tests.integration.web.service import Directory, Parts, document_in, problem_in, serving
from volaris.errors import SourceUnavailable
from volaris.web.schemas import SymbolsSchema


async def test_all_symbols_are_listed_with_their_names() -> None:
    async with serving() as client, client.get("/api/v1/symbols") as response:
        assert await document_in(response, SymbolsSchema()) == {
            "count": 3,
            "symbols": [
                {"symbol": "AAPL", "name": "Apple"},
                {"symbol": "BRK.B", "name": "Berkshire Hathaway"},
                {"symbol": "MSFT", "name": "M"},
            ],
        }


async def test_a_parameter_is_a_422_since_there_are_none() -> None:
    async with serving() as client, client.get("/api/v1/symbols?limit=5") as response:
        document = await problem_in(response, 422)
    assert document["errors"] == {"limit": ["unknown; there are no parameters"]}


async def test_a_source_that_is_away_is_a_503() -> None:
    parts = Parts(directory=Directory(error=SourceUnavailable("cboe", "*", "refused")))
    async with serving(parts) as client, client.get("/api/v1/symbols") as response:
        await problem_in(response, 503)


@pytest.mark.parametrize("path", ["/", "/api/v1/price/AAPL", "/api/v1/prices/", "/api/v1/prices/A/B"])
async def test_a_path_that_is_not_there_is_a_404_problem(path: str) -> None:
    async with serving() as client, client.get(path) as response:
        assert (await problem_in(response, 404))["detail"] == f"there is nothing at {path}"


async def test_a_wrong_method_is_a_405_problem() -> None:
    async with serving() as client, client.post("/api/v1/symbols") as response:
        assert (await problem_in(response, 405))["allowed"] == ["GET", "HEAD"]


async def test_head_is_answered_wherever_get_is() -> None:
    async with serving() as client, client.head("/api/v1/symbols") as response:
        assert response.status == 200
        assert await response.read() == b""
