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
from profiling.process.full_collections import Collector
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
    mount(app, profiler)
    async with TestClient(TestServer(app)) as client:
        yield client
    kept.clear()


async def verdict(client: Client) -> dict[str, object]:
    async with client.get(f"/debug/jobs/{OUTSIDE_JOBS}/verdict") as answer:
        told = (await answer.json())["verdict"] if answer.status == 200 else {"state": "none"}
    assert isinstance(told, dict)
    return told


async def test_leak_of_a_handler_is_told_though_no_job_runs_and_nobody_watches() -> None:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, window_s=0.0)) as profiler:
        profiler._shared.collector = Collector(is_bounded=False)  # windows without length leave no time for a share
        async with asyncio.timeout(60), served(profiler) as client:
            while (told := await verdict(client))["state"] != "leaking":
                async with client.get("/"):
                    pass
            assert "test_outside_jobs.py" in str(told["suspects"])
            async with client.get(f"/debug/memory/diff?job={OUTSIDE_JOBS}") as answer:
                assert answer.status == 200


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
        monkeypatch.setattr(profiler._shared.sampling, "period", not_now)
        with caplog.at_level(logging.WARNING):
            async with served(profiler) as client, client.get("/debug/health") as answer:
                assert answer.status == 200
    assert "what is allocated outside jobs is not watched: tracemalloc is on" in caplog.text
