"""What handlers of an application keep, where no job is: watched by itself, and told over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from profiling import OUTSIDE_JOBS, Level, Profiler
from profiling.errors import SamplerUnavailable
from profiling.samples import sampler
from profiling.web import mount
from tests.integration.debug.conftest import Client

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

kept: list[list[bytes]] = []


async def keeps(_: web.Request) -> web.Response:
    kept.append([bytes(900) for _ in range(40)])
    return web.Response()


@asynccontextmanager
async def served(profiler: Profiler) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_get("/", keeps)
    mount(app, profiler, open_to_all=True)
    async with TestClient(TestServer(app)) as client:
        yield client
    kept.clear()


async def windows(client: Client) -> int:
    async with client.get(f"/debug/jobs/{OUTSIDE_JOBS}/verdict") as answer:
        return (await answer.json())["verdict"]["runs"] if answer.status == 200 else 0


async def test_handlers_are_watched_and_told_though_no_job_runs_and_nobody_asks_for_it() -> None:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, window_s=0.0)) as profiler:
        async with asyncio.timeout(60), served(profiler) as client:
            told = ""
            while "test_outside_jobs.py" not in told:  # two windows of as many requests do not differ
                async with client.get("/"):
                    pass
                if await windows(client) >= 2:
                    async with client.get(f"/debug/memory/diff?job={OUTSIDE_JOBS}&format=text") as answer:
                        told = await answer.text()
            assert f"{OUTSIDE_JOBS}: run" in told


async def test_task_ends_with_the_application() -> None:
    with closing(Profiler(level=Level.SAMPLES)) as profiler:
        async with served(profiler):
            assert sampler.is_on()
            assert [task for task in asyncio.all_tasks() if task.get_name().startswith("profiling")]
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("profiling")]


async def test_application_runs_on_if_samples_cannot_be_had(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_now() -> int:
        raise SamplerUnavailable("tracemalloc is on")

    with closing(Profiler(level=Level.SAMPLES)) as profiler:
        monkeypatch.setattr(profiler._shared.sampling, "ensure_session", not_now)
        with caplog.at_level(logging.WARNING):
            async with served(profiler) as client, client.get("/debug/health") as answer:
                assert answer.status == 200
    assert "memory that is allocated outside jobs is not watched: tracemalloc is on" in caplog.text
