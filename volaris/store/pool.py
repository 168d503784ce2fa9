"""Connections to PostgreSQL: a pool with a time limit on every wait, for a connection and for closing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import asyncpg
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from volaris.errors import StoreError, StoreUnavailable
from volaris.store.driver import DRIVER_ERRORS, reason_of, redacted_address, store_error, translate_driver_errors
from volaris.store.statistics import PoolStatistics

if TYPE_CHECKING:  # generic only in the stubs
    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.transaction import Transaction

    Connection = PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

RETRY_FIRST_S = 0.5
RETRY_MAX_S = 15.0

# Time limit for returning a connection: it takes one small statement, and a slower connection is closed.
TIDY_TIMEOUT_S = 2.0

logger = logging.getLogger(__name__)


class Connections(Protocol):
    """Gives connections to repositories: a Database, or a stand-in until there is one."""

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """Return a context manager for a connection. Raises StoreError."""

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """Return a context manager for a connection whose changes are kept all or not at all. Raises StoreError."""


class Database:
    """A PostgreSQL database with its pool of connections.

    Call `connect` first. Until it has finished, `unavailable_reason` has the reason and `acquire` raises
    StoreUnavailable.
    """

    def __init__(
        self,
        url: str,
        *,
        min_size: int = 1,
        max_size: int = 5,
        acquire_timeout_s: float = 5.0,
        close_timeout_s: float = 5.0,
        command_timeout_s: float = 30.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.place = redacted_address(url)
        self.unavailable_reason: str | None = f"{self.place}: there is no connection yet"
        self._url = url
        self._min_size = min_size
        self._max_size = max_size
        self._acquire_timeout_s = acquire_timeout_s
        self._close_timeout_s = close_timeout_s
        self._command_timeout_s = command_timeout_s
        self._sleep = sleep
        self._pool: Pool | None = None
        self._waiting = self._acquires = self._failures = 0

    async def connect(self) -> None:
        """Open the pool, with retries after jittered pauses, until the database answers or the task is cancelled.

        Call this once. Raises StoreError if another attempt cannot help, because the address itself is wrong.
        """
        await AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailable),
            wait=wait_random_exponential(multiplier=RETRY_FIRST_S, max=RETRY_MAX_S),
            sleep=self._sleep,
            before_sleep=_log_retry,
        )(self._open)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Return a connection, waiting at most `acquire_timeout_s`. In the block, only talk to the database.

        Raises:
            StoreUnavailable: There is no connection in time, or the database becomes unavailable within the block.
            StoreError: The database refuses a statement. Both errors have the driver's error as their cause.
        """
        if self._pool is None:
            self._failures += 1
            raise StoreUnavailable(self.unavailable_reason)
        pool = self._pool
        connection = await self._take(pool)
        try:
            with translate_driver_errors(self.place):
                yield connection
        finally:
            await self._give_back(pool, connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Do what `acquire` does, and keep all changes, or none of them if an exception leaves the block."""
        async with self.acquire() as connection:
            transaction = connection.transaction()
            try:
                await transaction.start()
                yield connection
                await transaction.commit()
            except BaseException:
                await self._roll_back(connection, transaction)
                raise

    async def ping(self) -> None:
        """Run `SELECT 1`, for at most `acquire_timeout_s` after a connection is acquired.

        Raises StoreUnavailable with a reason that contains no secret.
        """
        async with self.acquire() as connection:
            await connection.execute("SELECT 1", timeout=self._acquire_timeout_s)

    def statistics(self) -> PoolStatistics:
        """Return statistics of the pool; without a pool all but the counters are zero."""
        size, idle = (self._pool.get_size(), self._pool.get_idle_size()) if self._pool else (0, 0)
        return PoolStatistics(
            size=size,
            max_size=self._max_size,
            idle=idle,
            in_use=size - idle,
            waiting=self._waiting,
            acquires=self._acquires,
            failures=self._failures,
        )

    async def close(self) -> None:
        """Close the pool, waiting at most `close_timeout_s` for connections in use; then cut those that remain."""
        pool, self._pool = self._pool, None
        self.unavailable_reason = f"{self.place}: the pool is closed"
        if pool is None:
            return
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await pool.close()  # if this fails or is cancelled, the pool terminates itself
        except DRIVER_ERRORS as error:
            logger.warning("%s: connections could not be closed and were cut: %s", self.place, reason_of(error))

    async def _open(self) -> None:
        try:
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=self._min_size,
                max_size=self._max_size,
                timeout=self._acquire_timeout_s,
                command_timeout=self._command_timeout_s,
                server_settings={"application_name": "volaris"},
            )
        except DRIVER_ERRORS as error:
            failure = store_error(error, self.place)
            self.unavailable_reason = str(failure)
            raise failure from error
        except ValueError:
            # `from None`, because the driver quotes the wrong part of the address, which may belong to the password.
            self.unavailable_reason = "the database's address must look like postgresql://user:password@host:5432/name"
            raise StoreError(self.unavailable_reason) from None
        self.unavailable_reason = None

    async def _take(self, pool: Pool) -> Connection:
        self._waiting += 1
        try:
            connection = await pool.acquire(timeout=self._acquire_timeout_s)
        except TimeoutError as error:
            self._failures += 1
            size = f"{self.statistics().in_use} of {self._max_size} are in use"
            raise StoreUnavailable(
                f"{self.place}: no connection was free within {self._acquire_timeout_s:g} s; {size}"
            ) from error
        except DRIVER_ERRORS as error:
            self._failures += 1
            raise store_error(error, self.place) from error
        finally:
            self._waiting -= 1
        self._acquires += 1
        return connection

    async def _give_back(self, pool: Pool, connection: Connection) -> None:
        """Return the connection to the pool. This never raises, so that the error of the block is not hidden."""
        try:
            await pool.release(connection, timeout=TIDY_TIMEOUT_S)
        except DRIVER_ERRORS as error:  # the driver has closed the connection, and opens another one when needed
            logger.warning("%s: a connection was cut after use: %s", self.place, reason_of(error))

    async def _roll_back(self, connection: Connection, transaction: Transaction) -> None:
        """Roll the transaction back. This never raises; if it fails, the server rolls back when the connection is gone.

        It also fails if the transaction had not begun, or was being committed when the task was cancelled.
        """
        try:
            async with asyncio.timeout(TIDY_TIMEOUT_S):
                await transaction.rollback()
        except DRIVER_ERRORS as error:
            logger.warning("%s: a connection was cut in a transaction: %s", self.place, reason_of(error))
            connection.terminate()


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    delay_s = state.next_action.sleep if state.next_action else 0.0
    logger.warning("%s; next try in %.1f s", error, delay_s)
