"""Which migrations are missing, and when the schema and this version do not fit."""

from __future__ import annotations

import re

import pytest

from volaris.errors import MigrationError
from volaris.store.migrate import Migration, pending, shipped_migrations

ONE, TWO, THREE = (Migration(number=n, name=f"000{n}_name", sql=f"SELECT {n}") for n in (1, 2, 3))


def applied(*migrations: Migration) -> dict[int, str]:
    return {migration.number: migration.checksum for migration in migrations}


@pytest.mark.parametrize(
    ("done", "missing"),
    [((), (ONE, TWO, THREE)), ((ONE,), (TWO, THREE)), ((ONE, TWO), (THREE,)), ((ONE, TWO, THREE), ())],
)
def test_what_was_not_applied_is_pending_in_order(done: tuple[Migration, ...], missing: tuple[Migration, ...]) -> None:
    assert pending((ONE, TWO, THREE), applied(*done)) == missing


def test_a_database_of_a_newer_version_is_refused() -> None:
    with pytest.raises(
        MigrationError, match="the database has migration 3, but this version only knows 2: a newer version"
    ):
        pending((ONE, TWO), applied(ONE, TWO, THREE))


def test_a_migration_that_was_changed_afterwards_is_refused() -> None:
    changed = Migration(number=1, name=ONE.name, sql=ONE.sql + " ")

    with pytest.raises(
        MigrationError, match=r"migration 0001_name was changed after it was applied .* restore the file"
    ):
        pending((changed, TWO), applied(ONE))


def test_a_database_that_lacks_an_earlier_migration_is_refused() -> None:
    with pytest.raises(MigrationError, match=re.escape("the database has migrations [1, 3], with a gap between them")):
        pending((ONE, TWO, THREE), applied(ONE, THREE))


@pytest.mark.parametrize("migrations", [(TWO,), (ONE, THREE), (ONE, ONE), (TWO, ONE)])
def test_migrations_that_are_not_numbered_one_by_one_are_refused(migrations: tuple[Migration, ...]) -> None:
    with pytest.raises(MigrationError, match="must be numbered from 1 without a gap"):
        pending(migrations, {})


def test_the_checksum_is_that_of_the_text() -> None:
    assert ONE.checksum == "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5"


def test_the_shipped_migrations_are_in_order_and_named_by_number() -> None:
    shipped = shipped_migrations()

    assert pending(shipped, {}) == shipped
    assert shipped[0].name == "0001_prices"
    assert all(re.fullmatch(rf"{m.number:04d}_[a-z_]+", m.name) for m in shipped)
    assert "\r" not in "".join(m.sql for m in shipped)
