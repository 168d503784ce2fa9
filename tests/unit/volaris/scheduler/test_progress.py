"""Jobs report how far they are, and nobody pays if nobody listens."""

from __future__ import annotations

import asyncio

from volaris.scheduler import progress


def test_telling_reaches_who_listens_and_nobody_else() -> None:
    told: list[tuple[int, int]] = []
    progress.report(1, 10)
    with progress.listening(lambda done, total: told.append((done, total))):
        progress.report(2, 10)
    progress.report(3, 10)
    assert told == [(2, 10)]


async def test_tasks_that_are_made_within_tell_too() -> None:
    told: list[int] = []

    async def job() -> None:
        progress.report(5, 10)

    with progress.listening(lambda done, _total: told.append(done)):
        await asyncio.create_task(job())
    await asyncio.create_task(job())
    assert told == [5]
