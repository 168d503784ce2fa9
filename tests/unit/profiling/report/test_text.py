"""Comparisons as text, where something is missing or negative."""

from __future__ import annotations

from collections.abc import Iterable

from profiling.compare.diff import compare
from profiling.records import SiteKey, State, Verdict
from profiling.report.text import allocation_lines, diff_to_text
from profiling.source import Place
from tests.unit.profiling.make import lines, places_of, run

VERDICT = Verdict(state=State.LEAKING, reason="it grows", runs=12, bytes_per_run=9.5, interval_bytes=(9.0, 10.0))


def unreadable(keys: Iterable[SiteKey]) -> dict[SiteKey, Place]:
    return {key: Place(f"/gone/{key[0]}", None, None) for key in keys}


def test_line_of_a_file_that_cannot_be_read_is_told_by_file_and_number_alone() -> None:
    text = diff_to_text(compare(run(2, {("a.py", 7): (300, 2)}), run(1, {}), unreadable), VERDICT)
    assert text.splitlines()[2:] == [
        "      change         now    blocks  where",
        "      +300 B       300 B        +2  /gone/a.py:7",
        "verdict: leaking - it grows",
    ]


def test_memory_that_no_line_explains_stands_in_the_sums() -> None:
    later, earlier = run(2, lines=lines({("a.py", 7): (300, 2)}, traced_bytes=5_000)), run(1, {})
    assert diff_to_text(compare(later, earlier, places_of), VERDICT).splitlines()[1] == (
        "traced +4.9 KiB (+2 blocks) = attributed +300 B + unattributed +4.6 KiB; RSS +0 B"
    )


def test_what_is_left_out_is_told_with_its_sign() -> None:
    later, earlier = run(2, {("a.py", 1): (900, 1)}), run(1, {("b.py", 1): (800, 1)})
    text = diff_to_text(compare(later, earlier, places_of, limit=1), VERDICT)
    assert "      -800 B                        in lines not listed\n" in text


def test_comparison_without_a_change_is_a_head_and_a_verdict() -> None:
    assert diff_to_text(compare(run(2, {}), run(1, {}), places_of), VERDICT) == (
        "work: run 2 against run 1, by line\n"
        "traced +0 B (+0 blocks) = attributed +0 B + unattributed +0 B; RSS +0 B\n"
        "      change         now    blocks  where\n"
        "verdict: leaking - it grows\n"
    )


def test_run_that_is_less_exact_than_its_level_promises_says_why() -> None:
    later = run(2, {("a.py", 12): (300, 2)}, degraded="x was at work at the same time")
    told = diff_to_text(compare(later, run(1, {}), places_of), VERDICT).splitlines()
    assert told[-2:] == [
        "run 2 is less exact than level lines promises: x was at work at the same time",
        "verdict: leaking - it grows",
    ]


def test_function_is_told_without_a_line() -> None:
    diff = compare(run(2, {("a.py", 12): (300, 2)}), run(1, {}), places_of, group_by="function")
    assert "        +2  a.py f1\n" in diff_to_text(diff, VERDICT)


def test_allocation_in_a_file_that_cannot_be_read_is_told_all_the_same() -> None:
    kept = run(1, lines=lines({}, retained={("a.py", 7): (300, -2)}))
    assert allocation_lines(kept, unreadable) == ["+300 B (-2) /gone/a.py:7"]
