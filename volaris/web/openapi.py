"""The OpenAPI document and its page, by aiohttp-apispec; both work without access to other servers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp_apispec
import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from profiling.web.openapi import SECURITY, parts_of
from profiling.web.table import ROUTES

DEBUG_PREFIX = "/api/v1/debug"  # the same routes are below /debug
PAGE_PATH = "/api/docs"
DOCUMENT_PATH = f"{PAGE_PATH}/swagger.json"
STATIC_PATH = f"{PAGE_PATH}/static"

# Both read from disk, so at import and not when an application is created, which may be in the event loop.
_VERSION = version("volaris")
_STATIC = Path(aiohttp_apispec.__file__).parent / "static"
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")

# aiohttp-apispec's own page is not used: its Swagger UI sends the document's address to validator.swagger.io, and the
# page is read from disk in the event loop.
_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <title>Volaris</title>
  <link rel="stylesheet" href="{STATIC_PATH}/swagger-ui.css">
  <link rel="icon" type="image/png" href="{STATIC_PATH}/favicon-32x32.png">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="{STATIC_PATH}/swagger-ui-bundle.js"></script>
  <script>SwaggerUIBundle({{url: "{DOCUMENT_PATH}", dom_id: "#swagger-ui", validatorUrl: null}})</script>
</body>
</html>
"""


def add_openapi(app: web.Application) -> None:
    """Add the document, the page and its files to `app`, for the described routes that it has now.

    The profiler's routes are in the document too if they have been mounted when `app` starts.
    """
    body = orjson.dumps(openapi_document(app))  # as bytes, which take less memory than the objects

    async def complete(app: web.Application) -> None:
        nonlocal body
        if _has_debug(app):
            body = orjson.dumps(with_debug(orjson.loads(body)))

    async def show_document(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def show_page(_request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    app.on_startup.append(complete)
    app.router.add_get(PAGE_PATH, show_page)
    app.router.add_get(DOCUMENT_PATH, show_document)
    for name in _FILES:
        app.router.add_get(f"{STATIC_PATH}/{name}", _file_handler(name))


def _file_handler(name: str) -> Handler:
    async def show_file(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(_STATIC / name)

    return show_file


def openapi_document(app: web.Application) -> dict[str, Any]:
    """Return the OpenAPI 2.0 document of the described routes of `app`."""
    with warnings.catch_warnings():
        # aiohttp-apispec stores its state in the application under plain strings, and aiohttp warns about each.
        warnings.simplefilter("ignore", web.NotAppKeyWarning)
        spec = aiohttp_apispec.AiohttpApiSpec(url=None, app=app, in_place=True, title="Volaris", version=_VERSION)
    document: dict[str, Any] = spec.swagger_dict()
    for operations in document["paths"].values():
        operations.pop("head", None)  # aiohttp answers HEAD wherever it answers GET
        for operation in operations.values():
            operation["parameters"] = [_parameter(entry) for entry in operation["parameters"]]
    return document


def with_debug(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with the profiler's routes added."""
    debug = parts_of(ROUTES, DEBUG_PREFIX)
    merged = {name: {**document[name], **debug[name]} for name in ("paths", "definitions")}
    return {**document, **merged, "securityDefinitions": SECURITY}


def _has_debug(app: web.Application) -> bool:
    return any(resource.canonical == f"{DEBUG_PREFIX}/health" for resource in app.router.resources())


def _parameter(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter in the form of OpenAPI 2.0, which has `example` only in schemas."""
    return {"x-example" if name == "example" else name: value for name, value in entry.items()}
