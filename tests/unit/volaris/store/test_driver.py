"""Errors of the driver become ours, all of them, and no secret goes with them."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import quote

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.errors import StoreError, StoreUnavailable
from volaris.store.driver import (
    DRIVER_ERRORS,
    reason_of,
    redacted_address,
    translate_copy_errors,
    translate_driver_errors,
)

RAISED_BY_THE_DRIVER = sorted(
    (
        error
        for error in vars(asyncpg.exceptions).values()
        if isinstance(error, type) and issubclass(error, Exception) and not issubclass(error, Warning)
    ),
    key=lambda error: error.__name__,
)

OUTAGES = [
    ConnectionRefusedError,
    ConnectionResetError,
    FileNotFoundError,
    TimeoutError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.CrashShutdownError,
    asyncpg.DiskFullError,
    asyncpg.InterfaceError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidPasswordError,
    asyncpg.OutdatedSchemaCacheError,
    asyncpg.PostgresIOError,
    asyncpg.ProtocolError,
    asyncpg.QueryCanceledError,
    asyncpg.TargetServerAttributeNotMatched,
    asyncpg.TooManyConnectionsError,
]

REFUSALS = [
    asyncpg.CheckViolationError,
    asyncpg.ClientConfigurationError,
    asyncpg.DataError,
    asyncpg.DeadlockDetectedError,
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.PostgresSyntaxError,
    asyncpg.UndefinedTableError,
    asyncpg.UniqueViolationError,
    asyncpg.UnknownPostgresError,
    asyncpg.UnsupportedClientFeatureError,
    asyncpg.UnsupportedServerFeatureError,
]


def mapped(error: Exception) -> StoreError:
    with pytest.raises(StoreError) as caught, translate_driver_errors("here"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


def test_the_driver_has_the_errors_that_these_tests_are_about() -> None:
    assert len(RAISED_BY_THE_DRIVER) > 200
    assert asyncpg.CheckViolationError in RAISED_BY_THE_DRIVER


def test_every_error_of_the_driver_is_mapped() -> None:
    assert [error for error in RAISED_BY_THE_DRIVER if not issubclass(error, DRIVER_ERRORS)] == []
    for error in RAISED_BY_THE_DRIVER:
        assert str(mapped(error("what happened"))) == f"here: {error.__name__}: what happened"


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: error.__name__)
def test_what_may_be_over_the_next_time_is_an_outage(error: type[Exception]) -> None:
    assert type(mapped(error("what happened"))) is StoreUnavailable


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.__name__)
def test_what_will_be_as_wrong_the_next_time_is_a_refusal(error: type[Exception]) -> None:
    assert type(mapped(error("what happened"))) is StoreError


def test_a_parameter_that_the_driver_cannot_encode_is_a_refusal() -> None:
    clients_own = asyncpg.exceptions._base.DataError
    assert not issubclass(clients_own, asyncpg.PostgresError)

    assert type(mapped(clients_own("invalid input for query argument $1"))) is StoreError


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), AssertionError("x")])
def test_errors_of_other_code_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translate_driver_errors("here"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("error", [TypeError("x"), OverflowError("x"), ValueError("x"), AttributeError("x")])
def test_a_value_that_copy_cannot_encode_is_a_refusal(error: Exception) -> None:
    with (
        pytest.raises(StoreError, match=r"^a value does not fit its column: .*Error: x$") as caught,
        translate_copy_errors(),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_the_message_is_one_line_with_place_kind_and_reason() -> None:
    assert str(mapped(ConnectionRefusedError(111, "refused"))) == "here: ConnectionRefusedError: [Errno 111] refused"
    assert str(mapped(TimeoutError())) == "here: TimeoutError: it did not answer in time"
    assert str(mapped(ConnectionResetError())) == "here: ConnectionResetError: no reason was given"
    assert reason_of(asyncpg.InternalClientError("first\nsecond")) == "InternalClientError: first"


def test_the_values_of_a_row_are_not_in_the_message() -> None:
    error = asyncpg.CheckViolationError("new row violates a check")
    error.detail = "Failing row contains (AAPL, -1)."
    assert "AAPL" in str(error)

    assert reason_of(error) == "CheckViolationError: new row violates a check"

    refused = asyncpg.DataError("invalid input for query argument $6: ['AAPL (x)', 2] (list item 0: expected\nint)")
    assert "AAPL" not in reason_of(refused)
    assert reason_of(refused).startswith("DataError: invalid input for query argument $6 (list item 0")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://volaris:s3cret@db.internal:5433/prices", "database prices at db.internal:5433"),
        ("postgresql://volaris:s3cret@one:1,two:2/prices", "database prices at one:1,two:2"),
        ("postgresql://volaris:s3@cret@db/prices?sslmode=require&sslpassword=s3cret", "database prices at db"),
        ("postgresql://volaris:s3%40cret@db/prices?sslpassword=s3cret", "database prices at db"),
        ("postgresql://db", "database of the default name at db"),
        ("postgresql://postgres@/prices?host=/run/pg", "database prices at /run/pg"),
        ("postgresql:///prices", "database prices at the default host"),
        ("postgresql://volaris:s3/cret@db/prices", "the database"),
        ("postgresql://volaris:5/cret@db/prices", "the database"),
        ("postgresql://volaris:s3?cret@db/prices", "the database"),
        ("postgresql://volaris:s3#cret@db/prices", "the database"),
        ("postgresql://volaris:s3[cret@db/prices", "the database"),
    ],
)
def test_a_database_is_named_without_its_secrets(url: str, place: str) -> None:
    assert redacted_address(url) == place


@given(password=st.text())
def test_no_password_gets_into_the_name_of_a_place(password: str) -> None:
    assert redacted_address(f"postgresql://volaris:{password}@db/prices") in ("database prices at db", "the database")


@given(password=st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_password_that_is_quoted_as_it_should_be_does_not_hide_the_place(password: str) -> None:
    assert redacted_address(f"postgresql://volaris:{quote(password, safe='')}@db/prices") == "database prices at db"
