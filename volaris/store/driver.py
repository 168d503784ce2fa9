"""Translates errors of the database driver into ours, and names a database without its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg

from volaris.errors import StoreError, StoreUnavailable

# All errors of asyncpg. TimeoutError, ssl.SSLError and socket.gaierror are subclasses of OSError.
DRIVER_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

# Errors in an address, a value, or the use of the driver, which will occur again. All are InterfaceErrors too.
_PERMANENT_ERRORS: tuple[type[Exception], ...] = (
    ValueError,  # in an address: ClientConfigurationError; in a parameter: the client's own DataError
    asyncpg.UnsupportedClientFeatureError,
    asyncpg.UnsupportedServerFeatureError,
)

# Errors that may be over at the next attempt, without a change here.
_TRANSIENT_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk or memory full
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement cancelled by its time limit
    asyncpg.PostgresSystemError,
    asyncpg.InvalidAuthorizationSpecificationError,  # for example, a password is being changed
    asyncpg.InvalidCatalogNameError,  # for example, the database is being created
    asyncpg.InterfaceError,  # raised directly if a connection or a pool is closed
    asyncpg.InternalClientError,  # client and server lost their synchronisation, and the driver has cut the connection
)


_ARGUMENT = re.compile(r"\A(invalid input for query argument \$\d+): .*(\([^()]*\))\Z", re.DOTALL)


@contextmanager
def translate_driver_errors(place: str) -> Iterator[None]:
    """Turn errors of the driver into StoreUnavailable or StoreError, which name `place`."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise store_error(error, place) from error


@contextmanager
def translate_copy_errors() -> Iterator[None]:
    """Turn errors for values that do not fit a column into StoreError: COPY's encoders raise Python's own errors."""
    try:
        yield
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise StoreError(f"a value does not fit its column: {reason_of(error)}") from error


def store_error(error: Exception, place: str) -> StoreError:
    """Return StoreUnavailable for an error of the driver if trying again may help, else StoreError."""
    kind = StoreUnavailable if is_outage(error) else StoreError
    return kind(f"{place}: {reason_of(error)}")


def is_outage(error: Exception) -> bool:
    """Return whether a later attempt may succeed without a change on this side."""
    # OSError first: a certificate that cannot be verified is also a ValueError, but is corrected on the server's side.
    return isinstance(error, OSError) or (
        isinstance(error, _TRANSIENT_ERRORS) and not isinstance(error, _PERMANENT_ERRORS)
    )


def reason_of(error: Exception) -> str:
    """Return the error in one line without the row's values, which the server's DETAIL and the driver's text quote."""
    text = str(error.args[0]) if isinstance(error, asyncpg.PostgresError) and error.args else str(error)
    text = _ARGUMENT.sub(r"\1 \2", text)
    unsaid = "it did not answer in time" if isinstance(error, TimeoutError) else "no reason was given"
    lines = text.splitlines() or [unsaid]
    return f"{type(error).__name__}: {lines[0]}"


def redacted_address(url: str) -> str:
    """Return name and host of the database of `url`, for messages, without user, password and parameters.

    Return "the database" if the address cannot be parsed, because any part of it may then belong to the password.
    """
    try:
        parts = urlsplit(url)
        # raises for `user:pass/word@host`, which is cut at its slash
        _ = parts.port if "," not in parts.netloc else None
    except ValueError:
        return "the database"
    if any("@" in part for part in (parts.path, parts.query, parts.fragment)):
        return "the database"
    host = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["the default host"])[-1]
    return f"database {parts.path.lstrip('/') or 'of the default name'} at {host}"
