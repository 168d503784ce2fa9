"""The one place where errors of the database driver become ours, and where a database is named without its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg

from volaris.errors import StoreError, StoreUnavailable

# All that asyncpg raises; OSError has TimeoutError, ssl.SSLError and socket.gaierror below it.
DRIVER_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

# An address, a value or a use of the driver that will be as wrong the next time; all of them are InterfaceErrors too.
_PERMANENT_ERRORS: tuple[type[Exception], ...] = (
    ValueError,  # of an address: ClientConfigurationError; of a parameter: the client's own DataError
    asyncpg.UnsupportedClientFeatureError,
    asyncpg.UnsupportedServerFeatureError,
)

# What may be over by the next time, without a change here.
_TRANSIENT_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk or memory full
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement cancelled by its time limit
    asyncpg.PostgresSystemError,
    asyncpg.InvalidAuthorizationSpecificationError,  # a password that is being changed
    asyncpg.InvalidCatalogNameError,  # a database that is being made
    asyncpg.InterfaceError,  # raised bare for a connection or a pool that is closed
    asyncpg.InternalClientError,  # the two sides lost step; the driver has cut the connection
)


_ARGUMENT = re.compile(r"\A(invalid input for query argument \$\d+): .*(\([^()]*\))\Z", re.DOTALL)


@contextmanager
def translate_driver_errors(place: str) -> Iterator[None]:
    """Raise StoreUnavailable or StoreError, which name `place`, from errors of the driver."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise store_error(error, place) from error


@contextmanager
def translate_copy_errors() -> Iterator[None]:
    """Raise StoreError for a value that fits no column: the encoders of COPY let Python's own errors through."""
    try:
        yield
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise StoreError(f"a value does not fit its column: {reason_of(error)}") from error


def store_error(error: Exception, place: str) -> StoreError:
    """Return StoreUnavailable for an error of the driver if trying again may help, else StoreError."""
    kind = StoreUnavailable if is_outage(error) else StoreError
    return kind(f"{place}: {reason_of(error)}")


def is_outage(error: Exception) -> bool:
    """Return whether trying again later may help, with nothing changed on this side."""
    # OSError first: a certificate that cannot be verified is a ValueError as well, and is mended on the server's side.
    return isinstance(error, OSError) or (
        isinstance(error, _TRANSIENT_ERRORS) and not isinstance(error, _PERMANENT_ERRORS)
    )


def reason_of(error: Exception) -> str:
    """Return the error in one line without quoted values of the row: the server's DETAIL, the driver's argument."""
    text = str(error.args[0]) if isinstance(error, asyncpg.PostgresError) and error.args else str(error)
    text = _ARGUMENT.sub(r"\1 \2", text)
    lines = text.splitlines() or ["no answer in time" if isinstance(error, TimeoutError) else "no reason given"]
    return f"{type(error).__name__}: {lines[0]}"


def redacted_address(url: str) -> str:
    """Return name and host of the database of `url`, for messages, without user, password and parameters.

    "the database" if the address cannot be told apart, since any part of it may then be a piece of the password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port if "," not in parts.netloc else None  # raises for `user:pass/word@host`, cut at its slash
    except ValueError:
        return "the database"
    if any("@" in part for part in (parts.path, parts.query, parts.fragment)):
        return "the database"
    host = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["the default host"])[-1]
    return f"database {parts.path.lstrip('/') or 'of the default name'} at {host}"
