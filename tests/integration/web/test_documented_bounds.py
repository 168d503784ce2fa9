"""What schemathesis found to be answered otherwise than the document said."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.integration.web.service import ROW, Parts, Prices, problem_in, serving

LISTS = (
    "/api/v1/symbols",
    "/api/v1/prices/{symbol}",
    "/api/v1/options/{symbol}",
    "/api/v1/iv/{symbol}",
    "/api/v1/screener",
)


async def parameter(path: str, name: str) -> dict[str, Any]:
    async with serving() as client, client.get("/api/docs/swagger.json") as response:
        document = orjson.loads(await response.read())
    (found,) = [entry for entry in document["paths"][path]["get"]["parameters"] if entry["name"] == name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", LISTS)
async def test_empty_cursor_is_outside_the_documented_bounds_and_a_422(path: str) -> None:
    cursor = await parameter(path, "cursor")
    assert (cursor["minLength"], cursor["pattern"]) == (1, "^[A-Za-z0-9_-]+$")
    async with serving() as client, client.get(path.format(symbol="AAPL"), params={"cursor": ""}) as response:
        assert list((await problem_in(response, 422))["errors"]) == ["cursor"]  # type: ignore[call-overload]


@pytest.mark.parametrize("path", LISTS[1:])
@pytest.mark.parametrize("name", ["limit", "cursor"])
async def test_parameter_that_goes_with_pages_only_says_so(path: str, name: str) -> None:
    assert "only with format=json" in (await parameter(path, name))["description"]


async def test_304_describes_no_content() -> None:
    async with serving(Parts(prices=Prices(rows=[ROW]))) as client:
        async with client.get("/api/v1/prices/AAPL") as response:
            tag = response.headers["ETag"]
        async with client.get("/api/v1/prices/AAPL", headers={"If-None-Match": tag}) as response:
            assert response.status == 304
            assert "Content-Type" not in response.headers
            assert await response.read() == b""
