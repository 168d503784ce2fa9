"""The OpenAPI document says what the service does, and its page needs nothing but this service."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from aiohttp import web
from marshmallow import Schema, fields

from tests.integration.web.service import Client, make_app, serving
from volaris.web.iv import IvSchema
from volaris.web.openapi import openapi_document
from volaris.web.options import OptionsSchema
from volaris.web.prices import PricesSchema
from volaris.web.screener import ScreenerSchema
from volaris.web.symbols import SymbolsSchema


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
        "/": ["get"],
        "/api/v1/symbols": ["get"],
        "/api/v1/prices/{symbol}": ["get"],
        "/api/v1/options/{symbol}": ["get"],
        "/api/v1/iv/{symbol}": ["get"],
        "/api/v1/screener": ["get"],
        "/livez": ["get"],
        "/readyz": ["get"],
    }


async def test_parameters_stand_in_the_document_with_their_bounds() -> None:
    async with serving() as client:
        document = await read_document(client)
    parameters = {entry["name"]: entry for entry in document["paths"]["/api/v1/prices/{symbol}"]["get"]["parameters"]}
    assert parameters.keys() == {"symbol", "limit", "cursor", "format", "fresh", "If-None-Match"}
    assert parameters["symbol"]["in"] == "path"
    limit = parameters["limit"]
    assert (limit["in"], limit["required"]) == ("query", False)
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 1000, 100)
    assert parameters["format"]["enum"] == ["json", "csv", "ndjson"]
    assert parameters["fresh"]["enum"] == ["never", "stale", "always"]


async def test_answers_and_problems_stand_in_the_document() -> None:
    async with serving() as client:
        document = await read_document(client)
    answers = document["paths"]["/api/v1/prices/{symbol}"]["get"]["responses"]
    assert "schema" not in answers.pop("304")
    assert {status: answer["schema"]["$ref"] for status, answer in answers.items()} == {
        "200": "#/definitions/Prices",
        "404": "#/definitions/Problem",
        "422": "#/definitions/Problem",
        "502": "#/definitions/Problem",
        "503": "#/definitions/Problem",
        "504": "#/definitions/Problem",
    }
    assert "source" in document["definitions"]["Price"]["required"]
    assert document["definitions"]["Problem"]["additionalProperties"] is True


async def test_every_parameter_and_every_plain_value_has_an_example() -> None:
    async with serving() as client:
        document = await read_document(client)
    without = {"cursor", "If-None-Match", "next_cursor"}  # nobody makes these up
    for path, operations in document["paths"].items():
        for parameter in operations["get"]["parameters"]:
            assert parameter["name"] in without or "x-example" in parameter, (path, parameter)
    for name, definition in document["definitions"].items():
        for member, schema in definition["properties"].items():
            is_plain = schema.get("type") in {"string", "number", "integer", "boolean"}
            assert not is_plain or member in without or "example" in schema, (name, member)


@pytest.mark.parametrize("schema", [PricesSchema, OptionsSchema, IvSchema, ScreenerSchema, SymbolsSchema])
def test_examples_are_such_answers(schema: type[Schema]) -> None:
    assert schema().validate(example_of(schema()) | {"next_cursor": None}) == {}


def example_of(schema: Schema) -> dict[str, Any]:
    """An answer made of the examples of its members."""
    return {name: value_of(field) for name, field in schema.declared_fields.items()}


def value_of(field: fields.Field) -> Any:
    if isinstance(field, fields.Nested):
        return example_of(field.schema)
    if isinstance(field, fields.List):
        return [value_of(field.inner)]
    return field.metadata.get("example")


async def test_a_streamed_route_says_so() -> None:
    async with serving() as client:
        document = await read_document(client)
    for path, operations in document["paths"].items():
        has_format = any(parameter["name"] == "format" for parameter in operations["get"]["parameters"])
        assert ("text/csv" in operations["get"]["produces"]) == has_format, path


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
