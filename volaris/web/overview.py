"""The root of the service: its version, memory and jobs, as a page for browsers and as JSON for other clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from aiohttp import hdrs, web
from marshmallow import fields, validate

from profiling import MemoryUsage
from profiling.units import to_mb
from profiling.web import Access, JobControl, JobInfo, Problem, check_access, health_status
from profiling.web.accept import HTML, prefers_html
from volaris.web.handlers import described, json_answer
from volaris.web.overview_page import POLICY, overview_page
from volaris.web.schemas import Strict

LINKS = {
    "documentation": "/api/docs",
    "openapi": "/api/docs/swagger.json",
    "symbols": "/api/v1/symbols",
    "livez": "/livez",
    "readyz": "/readyz",
    "page": "/debug/",
    "health": "/api/v1/debug/health",
    "jobs": "/api/v1/debug/jobs",
    "memory": "/api/v1/debug/memory",
    "runs": "/api/v1/debug/memory/runs",
}

_VERSION = version("volaris")  # reads from disk, so it runs at import


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The parts of the service that the root shows, and the rule for who may see more than health."""

    memory: Callable[[], MemoryUsage]  # returns the current usage of the process
    jobs: JobControl
    access: Access
    environment: str


OVERVIEW: web.AppKey[Overview] = web.AppKey("overview")


def _text(example: str, *, optional: bool = False) -> fields.String:
    return fields.String(required=True, allow_none=optional, metadata={"example": example})


class OverviewHealthSchema(Strict):
    """The memory with its limit."""

    status = fields.String(
        required=True, validate=validate.OneOf(("ok", "warning", "critical")), metadata={"example": "ok"}
    )
    environment = _text("development")
    memory_mb = fields.Float(required=True, metadata={"description": "MB of 2^20 bytes", "example": 118.5})
    memory_percent = fields.Float(required=True, metadata={"description": "per cent of the limit", "example": 23.1})
    scheduler_enabled = fields.Boolean(required=True, metadata={"example": True})


class OverviewJobSchema(Strict):
    """A job, and how its last run ended."""

    id = _text("prices_1m")
    description = _text("latest prices from simulated")
    state = fields.String(
        required=True, validate=validate.OneOf(("idle", "running", "paused")), metadata={"example": "idle"}
    )
    last_outcome = _text("completed", optional=True)
    last_started_at = _text("2025-10-14T15:30:00Z", optional=True)
    next_run_at = _text("2025-10-14T15:32:00Z", optional=True)
    runs = fields.Integer(required=True, metadata={"example": 12})
    failures = fields.Integer(required=True, metadata={"example": 0})


class OverviewSchema(Strict):
    """The state of the service. In production, a request without the token gets null for version, limit and jobs."""

    name = _text("volaris")
    version = _text("0.1.0", optional=True)
    health = fields.Nested(OverviewHealthSchema, required=True)
    memory_limit_mb = fields.Float(required=True, allow_none=True, metadata={"example": 512.0})
    jobs = fields.List(fields.Nested(OverviewJobSchema), required=True, allow_none=True)
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "paths by name", "example": {"documentation": "/api/docs"}},
    )


@described("The state of the service: a page for browsers, JSON for other clients", OverviewSchema(), {}, also=(HTML,))
async def overview(request: web.Request) -> web.Response:
    """Answer GET /."""
    document = overview_document(request.app[OVERVIEW], is_full=_may_look(request))
    if prefers_html(request.headers.get(hdrs.ACCEPT, "")):
        response = web.Response(text=overview_page(document, datetime.now(UTC)), content_type=HTML)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
    else:
        response = json_answer(document)
    response.headers[hdrs.VARY] = "Accept, Authorization"
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def overview_document(parts: Overview, *, is_full: bool) -> dict[str, Any]:
    """Return what the root shows; if not `is_full`, only what health shows, and the links."""
    usage = parts.memory()
    return {
        "name": "volaris",
        "version": _VERSION if is_full else None,
        "health": {
            "status": health_status(usage.percent),
            "environment": parts.environment,
            "memory_mb": to_mb(usage.rss_bytes),
            "memory_percent": round(usage.percent, 1),
            "scheduler_enabled": parts.jobs.enabled,
        },
        "memory_limit_mb": to_mb(usage.limit.limit_bytes) if is_full else None,
        "jobs": [_job(info) for info in parts.jobs.jobs()] if is_full else None,
        "links": LINKS,
    }


def _job(info: JobInfo) -> dict[str, Any]:
    # Without the text of the last error, which may quote an address or a query.
    return {
        "id": info.id,
        "description": info.description,
        "state": info.state,
        "last_outcome": info.last_outcome,
        "last_started_at": info.last_started_at,
        "next_run_at": info.next_run_at,
        "runs": info.runs,
        "failures": info.failures,
    }


def _may_look(request: web.Request) -> bool:
    try:
        check_access(request.app[OVERVIEW].access, request)
    except Problem:
        return False
    return True
