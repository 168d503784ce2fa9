"""The root of the whole service: what it links to is there."""

from __future__ import annotations

from tests.acceptance.conftest import JOB, Serve
from volaris.settings import Settings


async def test_root_names_every_job_and_links_to_routes_that_answer(serve: Serve, database_url: str) -> None:
    async with serve(Settings(database_url=database_url)) as running:
        await running.is_up()
        document = await running.json("/")
        assert {job["id"] for job in document["jobs"]} == {
            status.id for status in running.service.scheduler.statistics().jobs
        }
        assert JOB in {job["id"] for job in document["jobs"]}
        assert document["health"].keys() == (await running.json(document["links"]["health"])).keys()
        for path in document["links"].values():
            async with running.client.get(path) as response:
                assert response.status == 200, path
