"""Which lines a function's memory is put down to."""

from __future__ import annotations

import json
import sys

from hypothesis import given
from hypothesis import strategies as st

from profiling.pytest_plugin.measurement import standing_at, users_lines
from profiling.records import SiteKey, SiteTable

LOADING: SiteKey = ("/shop/orders.py", 9)
KEEPING: SiteKey = ("/shop/orders.py", 12)
LIBRARYS: SiteKey = (json.__file__, 40)


def table(**sizes: int) -> SiteTable:
    sites = {"loading": LOADING, "keeping": KEEPING, "library": LIBRARYS}
    return SiteTable.from_rows([(sites[name], size_bytes, 1) for name, size_bytes in sizes.items()])


def sizes(found: SiteTable) -> dict[SiteKey, int]:
    return {site: size_bytes for site, size_bytes, _ in found.rows()}


def test_what_a_library_keeps_is_put_down_to_the_line_that_called_it() -> None:
    found = users_lines(table(library=4_000, keeping=3_000), table(loading=3_600, keeping=2_500))
    assert sizes(found) == {LOADING: 4_000, KEEPING: 3_000}


def test_lines_of_the_users_own_stay_exact_whatever_the_estimates_say() -> None:
    assert sizes(users_lines(table(keeping=3_000), table(loading=500))) == {KEEPING: 3_000}
    assert sizes(users_lines(table(keeping=3_000), table(keeping=9_000))) == {KEEPING: 3_000}


def test_library_without_a_known_caller_is_told_itself() -> None:
    exact = table(library=4_000, keeping=3_000)
    assert users_lines(exact, table(keeping=3_000)) is exact
    assert users_lines(exact, table(library=4_000)) is exact


BYTES = st.integers(0, 10**9)


@given(BYTES, BYTES, BYTES, BYTES, BYTES)
def test_sum_is_kept(library: int, loading: int, keeping: int, estimated: int, other: int) -> None:
    exact = table(library=library, loading=loading, keeping=keeping)
    assert abs(users_lines(exact, table(loading=estimated, keeping=other)).size_bytes - exact.size_bytes) <= 2


def test_function_is_called_as_if_from_that_line() -> None:
    def caller(offset: int, *, by: int) -> tuple[str, int, int]:
        frame = sys._getframe(1)
        return frame.f_code.co_filename, frame.f_lineno, offset + by

    assert standing_at(caller, "/shop/test_orders.py", 77)(1, by=2) == ("/shop/test_orders.py", 77, 3)
    assert standing_at(caller, "/shop/test_orders.py", 1)(1, by=2) == ("/shop/test_orders.py", 1, 3)
