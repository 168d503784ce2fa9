"""/livez asks nobody; /readyz says whether the database answers, and why not."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.web.service import Parts, document_in, never_asked, problem_in, serving
from volaris.errors import MigrationError, StoreError, StoreUnavailable
from volaris.web import probes
from volaris.web.schemas import StatusSchema


async def test_a_service_lives_whatever_its_database_does() -> None:
    async with serving(Parts(ready=never_asked)) as client, client.get("/livez") as response:
        assert await document_in(response, StatusSchema()) == {"status": "ok"}


async def test_a_service_is_ready_when_its_database_answers() -> None:
    async def answers() -> None:
        return

    async with serving(Parts(ready=answers)) as client, client.get("/readyz") as response:
        assert await document_in(response, StatusSchema()) == {"status": "ok"}


@pytest.mark.parametrize("error", [StoreUnavailable("connection refused"), MigrationError("connection refused")])
async def test_a_service_whose_database_is_away_or_unfit_is_not_ready_and_says_why(error: StoreError) -> None:
    async def refuses() -> None:
        raise error

    async with serving(Parts(ready=refuses)) as client, client.get("/readyz") as response:
        assert (await problem_in(response, 503))["detail"] == "the service is not ready: connection refused"


async def test_a_database_that_does_not_answer_is_waited_for_no_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "READY_TIMEOUT_S", 0.0)
    cancelled = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(Parts(ready=hangs)) as client, client.get("/readyz") as response:
        assert (await problem_in(response, 503))[
            "detail"
        ] == "the service is not ready: the database did not answer within 0 s"
    assert cancelled.is_set()


async def test_an_error_that_nobody_expected_is_a_500_and_not_a_reason() -> None:
    async def breaks() -> None:
        raise ZeroDivisionError

    async with serving(Parts(ready=breaks)) as client, client.get("/readyz") as response:
        await problem_in(response, 500)
