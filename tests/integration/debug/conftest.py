"""A small service with the debug routes mounted, and its jobs made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Middleware

from profiling import Level, Profiler
from profiling.errors import JobBusy, UnknownJob
from profiling.web import Access, JobInfo, mount, problems_middleware
from tests.integration.debug.declared import held_to_declarations

Client = TestClient[web.Request, web.Application]
WITH_TOKEN = {"Authorization": "Bearer t0ken"}


@dataclass
class HandMadeJobs:
    """One job that never runs by itself; `busy` while a test says so."""

    enabled: bool = True
    busy: bool = False
    calls: list[str] = field(default_factory=list)

    def jobs(self) -> list[JobInfo]:
        return [
            JobInfo(
                id="sync",
                state="running" if self.busy else "idle",
                description="some work",
                next_run_at=datetime(2026, 8, 3, 16, 0, tzinfo=UTC),
                last_outcome="completed",
                last_started_at=datetime(2026, 8, 3, 15, 0, tzinfo=UTC),
                last_duration_s=0.5,
                last_error=None,
                runs=3,
                failures=1,
                coalesced_slots=2,
            ),
        ]

    def _known(self, job_id: str) -> None:
        if job_id != "sync":
            raise UnknownJob(job_id, ["sync"])

    def run_now(self, job_id: str) -> None:
        self._known(job_id)
        if self.busy:
            raise JobBusy(job_id)
        self.calls.append("run")

    def pause(self, job_id: str) -> None:
        self._known(job_id)
        self.calls.append("pause")

    def resume(self, job_id: str) -> None:
        self._known(job_id)
        self.calls.append("resume")


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    profiler = Profiler(level=Level.LINES, limit_mb=512)
    yield profiler
    profiler.close()


@pytest.fixture
def jobs() -> HandMadeJobs:
    return HandMadeJobs()


MIDDLEWARES: dict[str, list[Middleware]] = {
    "as in Volaris": [problems_middleware],
    "in an application of one's own": [],
}


@pytest.fixture(params=MIDDLEWARES)
def client_of(request: pytest.FixtureRequest, profiler: Profiler, jobs: HandMadeJobs) -> Callable[[Access], Any]:
    """A client of a service with that rule of access, which says that it is in development."""

    @asynccontextmanager
    async def client_of(access: Access) -> AsyncIterator[Client]:
        app = web.Application(middlewares=MIDDLEWARES[request.param])
        mount(app, profiler, access=access, environment="development", jobs=jobs)
        with held_to_declarations(app):
            async with TestClient(TestServer(app)) as client:
                yield client

    return client_of


async def problem(response: ClientResponse, status: int) -> dict[str, Any]:
    """The problem that an answer is: in one form, whatever went wrong."""
    assert response.status == status, await response.text()
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = await response.json(content_type=None)
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


async def run_work(profiler: Profiler, sync: Callable[[], Awaitable[None]]) -> None:
    """One run of the job `sync`."""
    async with profiler.run("sync"):
        await sync()


async def nothing() -> None:
    """A run that keeps nothing."""
    await asyncio.sleep(0)
