"""Which line it is: in series that are not as plain as one that adds the same with every run."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from profiling.records import Outcome, RunProfile, SiteKey
from profiling.verdict.suspects import suspects
from tests.unit.profiling.make import lines, run

A, B, C = ("a.py", 1), ("a.py", 12), ("b.py", 3)
Change = dict[SiteKey, int]


def of(*changes: Change) -> list[RunProfile]:
    return [
        run(number, lines=lines({}, retained={key: (size_bytes, 1) for key, size_bytes in change.items()}))
        for number, change in enumerate(changes, 1)
    ]


def test_line_that_leaks_in_some_runs_only_is_named_where_no_other_is_beyond_doubt() -> None:
    r = random.Random(5)
    changes = [{A: 400_000 if r.random() < 0.4 else 0, B: r.choice([-3_000, 3_000])} for _ in range(20)]
    assert [site for site, _ in suspects(of(*changes))] == [A]


def test_line_that_starts_late_is_named_with_its_own_pace() -> None:
    changes = [{A: 0, B: 90_000 if number < 4 else 0} for number in range(12)] + [{A: 40_000, B: 0}] * 12
    assert suspects(of(*changes)) == [(A, 40_000)]


def test_few_exact_runs_name_what_every_one_of_them_added_to() -> None:
    assert suspects(of({A: 40_000, B: 90_000}, {A: 40_000}, {A: 40_000})) == [(A, 40_000)]
    assert suspects(of({A: 40_000})) == [(A, 40_000)]


def test_run_that_failed_says_nothing_of_a_line() -> None:
    failed = run(9, lines=lines({}, retained={B: (900_000, 1)}), outcome=Outcome.FAILED)
    assert suspects([*of(*[{A: 40_000}] * 3), failed]) == [(A, 40_000)]


def test_at_most_so_many_are_named_largest_first() -> None:
    change: Change = {("a.py", line): 10_000 + line for line in range(1, 20)}
    found = suspects(of(*[change] * 12), most=3)
    assert found == [(("a.py", line), 10_000 + line) for line in (19, 18, 17)]


@given(st.lists(st.sampled_from([10_000, 20_000, 40_000, -40_000, 0]), min_size=6, max_size=6), st.randoms())
def test_order_of_the_lines_does_not_matter(sizes: list[int], shuffled: random.Random) -> None:
    change = {("a.py", line): size_bytes for line, size_bytes in enumerate(sizes, 1)}
    rows = list(change.items())
    shuffled.shuffle(rows)
    assert suspects(of(*[dict(rows)] * 12), most=3) == suspects(of(*[change] * 12), most=3)
