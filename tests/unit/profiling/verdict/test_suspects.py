"""Lines that keep more with every run, and no others."""

from __future__ import annotations

from profiling.records import UNKNOWN_SITE, SiteKey
from profiling.source import is_users, users_site
from profiling.verdict.suspects import suspects
from tests.unit.profiling.make import lines, run

A, B, C = ("a.py", 1), ("a.py", 12), ("b.py", 3)


def series(*changes: dict[SiteKey, int]) -> list[tuple[SiteKey, float]]:
    runs = [
        run(number, lines=lines({}, retained={key: (size_bytes, 1) for key, size_bytes in change.items()}))
        for number, change in enumerate(changes, 1)
    ]
    return suspects(runs)


def test_lines_that_grow_with_every_run_are_told_largest_first() -> None:
    assert series(*[{A: 5_000, B: 40_000}] * 12) == [(B, 40_000), (A, 5_000)]


def test_line_that_fills_up_or_gives_back_is_none() -> None:
    filling = [{A: 40_000, B: 90_000} if number < 5 else {A: 40_000} for number in range(12)]
    assert series(*filling) == [(A, 40_000)]
    sawtooth = [{A: 40_000, B: 90_000 if number % 3 else -180_000} for number in range(12)]
    assert series(*sawtooth) == [(A, 40_000)]


def test_memory_without_a_line_and_small_change_are_none() -> None:
    assert series(*[{UNKNOWN_SITE: 90_000, A: 40_000, C: 100}] * 12) == [(A, 40_000)]


def test_runs_without_lines_are_left_out() -> None:
    assert suspects([run(number) for number in range(12)]) == []


def test_users_site_is_the_innermost_frame_that_is_neither_installed_nor_the_standard_librarys() -> None:
    import asyncio

    import aiohttp

    library, installed = (asyncio.__file__, 5), (aiohttp.__file__, 7)
    mine, caller = (__file__, 3), ("/elsewhere/main.py", 9)
    assert users_site((library, installed, mine, caller)) == mine
    assert users_site((library, ("<string>", 1), installed)) == library
    assert [is_users(path) for path in (library[0], installed[0], __file__, "<frozen abc>")] == [
        False,
        False,
        True,
        False,
    ]
