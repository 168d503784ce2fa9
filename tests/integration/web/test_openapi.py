"""The OpenAPI document says what the service does, and its page needs nothing but this service."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.integration.web.service import Client, make_app, serving
from volaris.web.openapi import openapi_document


async def read_document(client: Client) -> dict[str, Any]:
    async with client.get("/api/docs/swagger.json") as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        document = orjson.loads(await response.read())
        assert isinstance(document, dict)
        return document


async def test_every_route_but_those_of_the_page_is_in_the_document() -> None:
    async with serving() as client:
        document = await read_document(client)
    assert document["swagger"] == "2.0"
    assert document["info"] == {"title": "Volaris", "version": document["info"]["version"]}
    assert {path: list(operations) for path, operations in document["paths"].items()} == {
        "/api/v1/prices/{symbol}": ["get"],
        "/api/v1/symbols": ["get"],
        "/livez": ["get"],
        "/readyz": ["get"],
    }


async def test_parameters_stand_in_the_document_with_their_bounds() -> None:
    async with serving() as client:
        document = await read_document(client)
    parameters = {entry["name"]: entry for entry in document["paths"]["/api/v1/prices/{symbol}"]["get"]["parameters"]}
    assert parameters.keys() == {"symbol", "limit"}
    assert parameters["symbol"]["in"] == "path"
    limit = parameters["limit"]
    assert (limit["in"], limit["required"]) == ("query", False)
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 1000, 100)


async def test_answers_and_problems_stand_in_the_document() -> None:
    async with serving() as client:
        document = await read_document(client)
    answers = document["paths"]["/api/v1/prices/{symbol}"]["get"]["responses"]
    assert {status: answer["schema"]["$ref"] for status, answer in answers.items()} == {
        "200": "#/definitions/Prices",
        "404": "#/definitions/Problem",
        "422": "#/definitions/Problem",
        "503": "#/definitions/Problem",
    }
    assert "source" in document["definitions"]["Price"]["required"]
    assert document["definitions"]["Problem"]["additionalProperties"] is True


def test_a_second_application_in_the_process_has_the_same_document() -> None:
    assert openapi_document(make_app()) == openapi_document(make_app())


async def test_whatever_the_page_loads_comes_from_this_service() -> None:
    async with serving() as client:
        async with client.get("/api/docs") as response:
            assert response.status == 200
            assert response.content_type == "text/html"
            page = await response.text()
        assert "://" not in page
        assert "validatorUrl: null" in page
        loaded = re.findall(r'(?:src|href|url)(?:=|: )"([^"]+)"', page)
        assert len(loaded) == 4
        for path in loaded:
            async with client.get(path) as response:
                assert response.status == 200, path
                assert len(await response.read()) > 500


@pytest.mark.parametrize("path", ["nothing.js", "../openapi.py", "%2e%2e/__init__.py"])
async def test_no_other_file_is_served_beside_the_page(path: str) -> None:
    async with serving() as client, client.get(f"/api/docs/static/{path}") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"


def test_a_route_without_a_description_is_left_out() -> None:
    async def health(_request: web.Request) -> web.Response:
        return web.Response()

    app = make_app()
    app.router.add_get("/debug/health", health)
    assert "/debug/health" not in str(openapi_document(app))
