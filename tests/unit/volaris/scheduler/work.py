"""Jobs and reports that tests hold in their hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from volaris.scheduler import Every, Job, JobRun, Trigger


class Work:
    """A job whose runs a test lets end one by one."""

    def __init__(self) -> None:
        self.begun = 0
        self.release = asyncio.Event()

    async def wait(self) -> None:
        self.begun += 1
        await self.release.wait()
        self.release.clear()

    async def quick(self) -> None:
        self.begun += 1


class Reports:
    """What the scheduler reported."""

    def __init__(self) -> None:
        self.runs: list[JobRun] = []
        self.errors: list[BaseException | None] = []

    async def __call__(self, run: JobRun, error: BaseException | None) -> None:
        self.runs.append(run)
        self.errors.append(error)


def job(run: Callable[[], Awaitable[object]], job_id: str = "work", trigger: Trigger | None = None) -> Job:
    return Job(id=job_id, run=run, trigger=trigger or Every(60), timeout_s=30, description="some work")


class Forgetful:
    """A report that keeps nothing."""

    async def __call__(self, _run: JobRun, _error: BaseException | None) -> None:
        return
