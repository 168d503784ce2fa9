"""Comparisons add up, whatever is compared."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.compare.diff import GroupBy, compare, largest
from profiling.errors import NotComparable
from profiling.records import UNKNOWN_SITE, Level, SiteKey
from tests.unit.profiling.make import Rows, lines, places_of, run, table

A, B, C = ("a.py", 1), ("a.py", 12), ("b.py", 3)

keys = st.tuples(st.sampled_from(["a.py", "b.py", "c.py"]), st.integers(1, 40)) | st.just(UNKNOWN_SITE)
rows = st.dictionaries(keys, st.tuples(st.integers(0, 10**6), st.integers(0, 1000)), max_size=30)
group_bys: st.SearchStrategy[GroupBy] = st.sampled_from(["line", "file", "function"])


def as_dict(packed: object) -> dict[SiteKey, tuple[int, int]]:
    return {key: (size_bytes, count) for key, size_bytes, count in packed.rows()}  # type: ignore[attr-defined]


def test_changed_lines_are_those_that_grew_shrank_came_or_went() -> None:
    before = table({A: (100, 1), B: (50, 5), C: (7, 1)})
    after = table({A: (100, 1), B: (20, 6), ("b.py", 9): (4, 4)})
    assert as_dict(after.changed_since(before)) == {B: (-30, 1), ("b.py", 9): (4, 4), C: (-7, -1)}


@given(rows, rows)
def test_change_added_to_the_past_is_the_present(past: Rows, now: Rows) -> None:
    change = as_dict(table(now).changed_since(table(past)))
    for key in {*past, *now, *change}:
        (old_bytes, old_count), (size_bytes, count) = past.get(key, (0, 0)), change.get(key, (0, 0))
        assert (old_bytes + size_bytes, old_count + count) == now.get(key, (0, 0))


def test_largest_are_the_known_lines_that_grew_most() -> None:
    packed = table({A: (5, 1), B: (-900, 1), C: (70, 2), UNKNOWN_SITE: (999, 9), ("c.py", 1): (5, 3)})
    assert largest(packed, 2) == [(C, 70, 2), (A, 5, 1)]


@given(rows, rows, group_bys, st.integers(1, 10), st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_every_comparison_adds_up(
    past: Rows, now: Rows, group_by: GroupBy, limit: int, now_off: int, past_off: int
) -> None:
    later = run(2, lines=lines(now, traced_bytes=table(now).size_bytes + now_off))
    earlier = run(1, lines=lines(past, traced_bytes=table(past).size_bytes + past_off))
    diff = compare(later, earlier, places_of, group_by=group_by, limit=limit)
    totals = diff.change.totals
    assert totals.attributed_bytes + totals.unattributed_bytes == totals.size_diff_bytes
    assert totals.listed_bytes + totals.omitted_bytes == totals.attributed_bytes
    assert totals.listed_bytes == sum(site.size_diff_bytes for site in diff.change.sites)
    assert len(diff.change.sites) <= limit
    sizes = [abs(site.size_diff_bytes) for site in diff.change.sites]
    assert sizes == sorted(sizes, reverse=True)


@given(rows, rows)
def test_functions_and_files_sum_up_their_lines(past: Rows, now: Rows) -> None:
    pair = run(2, now), run(1, past)
    by_line = compare(*pair, places_of, limit=1000).change.sites
    by_file = compare(*pair, places_of, group_by="file", limit=1000).change.sites
    for path, group in groupby(sorted(by_line, key=lambda site: site.path), key=lambda site: site.path):
        found = [site for site in by_file if site.path == path]
        summed = sum(site.size_diff_bytes for site in group)
        assert summed == (found[0].size_diff_bytes if found else 0)


def test_sites_are_told_in_words() -> None:
    (site,) = compare(run(2, {A: (150, 3)}), run(1, {A: (100, 1)}), places_of).change.sites
    assert (site.file, site.path, site.line, site.function, site.source) == ("short/a.py", "a.py", 1, "f0", "text of 1")
    assert (site.size_bytes, site.size_diff_bytes, site.count, site.count_diff) == (150, 50, 3, 2)


def test_lines_of_one_function_are_one_site_with_all_that_is_alive_in_it() -> None:
    sites = compare(
        run(2, {A: (150, 3), ("a.py", 2): (40, 1), B: (9, 1)}),
        run(1, {A: (100, 1), ("a.py", 2): (40, 1)}),
        places_of,
        group_by="function",
    ).change.sites
    told = [(site.function, site.line, site.source, site.size_bytes, site.size_diff_bytes) for site in sites]
    assert told == [("f0", None, None, 190, 50), ("f1", None, None, 9, 9)]


def test_memory_without_a_line_is_unattributed_and_no_site() -> None:
    diff = compare(run(2, {UNKNOWN_SITE: (500, 1), A: (3, 1)}), run(1, {}), places_of)
    assert (
        diff.change.totals.attributed_bytes,
        diff.change.totals.unattributed_bytes,
        diff.change.totals.size_diff_bytes,
    ) == (3, 500, 503)
    assert [site.path for site in diff.change.sites] == ["a.py"]


def test_runs_without_lines_or_of_two_stretches_of_tracing_do_not_compare() -> None:
    with pytest.raises(
        NotComparable, match=r"run 2 cannot be compared with run 1: run 1 has no lines \(it was profiled"
    ):
        compare(run(2, {}), run(1, level=Level.COUNTERS), places_of)
    with pytest.raises(NotComparable, match=r"run 2 has no lines \(no memory was left\)"):
        compare(run(2, degraded="no memory was left"), run(1, {}), places_of)
    with pytest.raises(NotComparable, match="tracing was switched off in between"):
        compare(run(2, lines=lines({}, session=2)), run(1, {}), places_of)
