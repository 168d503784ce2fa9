"""What wraps a run: a time limit, and another try for some errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from volaris.errors import JobTimeout
from volaris.scheduler import Every, Job, Middleware, compose, retry, timeout
from volaris.scheduler.middleware import MAX_BACKOFF_S


def job(run: Callable[[], Awaitable[object]], **fields: object) -> Job:
    made = Job(id="work", run=run, trigger=Every(60), timeout_s=0.01, retry_on=(ConnectionError,), max_attempts=3)
    return replace(made, **fields)  # type: ignore[arg-type]


class Flaky:
    """Fails with these errors in turn, then gives 42."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return 42


class Naps:
    """Notes how long it was to sleep, and does not."""

    def __init__(self) -> None:
        self.lengths_s: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.lengths_s.append(seconds)


def noting(name: str, notes: list[str]) -> Middleware:
    def middleware(inner: Job) -> Job:
        async def run() -> object:
            notes.append(f"{name} in")
            result = await inner.run()
            notes.append(f"{name} out")
            return result

        return replace(inner, run=run)

    return middleware


async def test_first_middleware_is_the_outermost() -> None:
    notes: list[str] = []
    wrapped = compose(noting("one", notes), noting("other", notes))(job(Flaky()))
    assert await wrapped.run() == 42
    assert notes == ["one in", "other in", "other out", "one out"]


async def test_without_middleware_a_job_stays_as_it_is() -> None:
    plain = job(Flaky())
    assert compose()(plain) is plain


async def test_run_over_the_limit_is_cancelled_and_raises_job_timeout() -> None:
    ended: list[str] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    with pytest.raises(JobTimeout, match=r"job 'work' exceeded its time limit of 0.01 s"):
        await timeout(job(hang)).run()
    assert ended == ["cleaned up"]


async def test_timeout_error_of_the_job_itself_passes_as_it_is() -> None:
    with pytest.raises(TimeoutError, match="the feed is slow"):
        await timeout(job(Flaky(TimeoutError("the feed is slow")), timeout_s=60)).run()


async def test_result_within_the_limit_passes() -> None:
    assert await timeout(job(Flaky(), timeout_s=60)).run() == 42


async def test_listed_error_is_tried_again_after_a_wait() -> None:
    work, naps = Flaky(ConnectionResetError(), ConnectionError()), Naps()
    assert await retry(naps)(job(work)).run() == 42
    assert work.calls == 3
    assert len(naps.lengths_s) == 2
    assert all(0 <= nap <= MAX_BACKOFF_S for nap in naps.lengths_s)


async def test_last_error_passes_when_the_attempts_are_used_up() -> None:
    work = Flaky(*(ConnectionError(f"number {n}") for n in range(1, 5)))
    with pytest.raises(ConnectionError, match="number 3"):
        await retry(Naps())(job(work)).run()
    assert work.calls == 3


@pytest.mark.parametrize("error", [ValueError("no price"), asyncio.CancelledError()])
async def test_error_that_is_not_listed_passes_at_once(error: BaseException) -> None:
    work = Flaky(error)
    with pytest.raises(type(error)):
        await retry(Naps())(job(work)).run()
    assert work.calls == 1


@pytest.mark.parametrize("fields", [{"retry_on": ()}, {"max_attempts": 1}])
async def test_job_that_lists_nothing_to_try_again_is_left_as_it_is(fields: dict[str, object]) -> None:
    plain = job(Flaky(), **fields)
    assert retry()(plain) is plain


async def test_each_failed_attempt_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    await retry(Naps())(job(Flaky(ConnectionError("refused")))).run()
    assert "work: attempt 1 of 3 failed: refused" in caplog.text
