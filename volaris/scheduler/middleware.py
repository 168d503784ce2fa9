"""Middleware for jobs: a middleware takes a job and returns a job that runs it in its own way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from volaris.errors import JobTimeout
from volaris.scheduler.jobs import Job

Middleware = Callable[[Job], Job]
Sleep = Callable[[float], Awaitable[None]]

BACKOFF_S = 1.0
MAX_BACKOFF_S = 30.0

logger = logging.getLogger(__name__)


def compose(*middlewares: Middleware) -> Middleware:
    """Combine several middlewares into one; the first is the outermost: `compose(profile, timeout, retry)(job)`."""

    def composed(job: Job) -> Job:
        for middleware in reversed(middlewares):
            job = middleware(job)
        return job

    return composed


def timeout(job: Job) -> Job:
    """Cancel a run at the job's time limit and raise JobTimeout. A TimeoutError of the job itself passes unchanged."""

    async def run() -> object:
        try:
            async with asyncio.timeout(job.timeout_s) as limit:
                return await job.run()
        except TimeoutError as error:
            if limit.expired():
                raise JobTimeout(job.id, job.timeout_s) from error
            raise

    return replace(job, run=run)


def retry(sleep: Sleep = asyncio.sleep) -> Middleware:
    """Run a job again after one of its `retry_on` errors, up to `max_attempts` times, then raise the last error.

    In between, wait a random time of up to 1, 2, 4 ... 30 s (full jitter), so that jobs that failed together do not
    start together again. Cancellation is not an error and passes at once.
    """

    def middleware(job: Job) -> Job:
        if not job.retry_on or job.max_attempts < 2:
            return job

        def log(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            logger.warning("%s: attempt %d of %d failed: %s", job.id, state.attempt_number, job.max_attempts, error)

        async def run() -> object:
            attempts = AsyncRetrying(
                retry=retry_if_exception_type(job.retry_on),
                stop=stop_after_attempt(job.max_attempts),
                wait=wait_random_exponential(multiplier=BACKOFF_S, max=MAX_BACKOFF_S),
                sleep=sleep,
                before_sleep=log,
                reraise=True,
            )
            return await attempts(job.run)

        return replace(job, run=run)

    return middleware
